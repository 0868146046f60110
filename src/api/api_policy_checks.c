/* Looking at a text before it decides anything: validate and compile. */
#include "api/handlers.h"

#include "api/policy_errand.h"
#include "api/policy_reply.h"
#include "api/policy_request.h"
#include "api/queen.h"
#include "base/mem.h"

#include <stdio.h>

enum {
    CHECK_TIMEOUT_MS = 120000,
    RECENT_MAX = 4, /* contexts: the state of now, and those of the last decisions */
    NAME_SIZE = 48,
};

struct check {
    struct errand errand;
    char file[16];                 /* what messages call the text: "policy.lua" */
    struct validation *validation; /* under way; NULL: none */
    struct region *regions[RECENT_MAX];
    char names[RECENT_MAX][NAME_SIZE];
    struct validation_context recent[RECENT_MAX]; /* the same, to be borrowed */
    size_t recent_len;
    struct sandboxed *compiler; /* under way; NULL: none */
};

static void check_free(struct check *c)
{
    if (c->validation)
        validation_cancel(c->validation);
    sandboxed_free(c->compiler);
    for (size_t i = 0; i < c->recent_len; i++)
        region_free(c->regions[i]);
    free(c);
}

static void cancel(struct errand *e)
{
    check_free(container_of(e, struct check, errand));
}

/* The body is read and its place taken; NULL: answered. */
static struct check *begin(struct http_request *req, enum admin_call call, const char *what,
                           struct policy_request *ret)
{
    struct check *c;
    struct err err;

    if (policy_request_read(call, http_request_body(req), false, ret, &err) < 0) {
        http_reply_error(req, &err);
        return NULL;
    }
    c = mem_alloc(1, sizeof(*c));
    c->errand.what = what;
    c->errand.cancel = cancel;
    (void)snprintf(c->file, sizeof(c->file), "policy.%s", script_language_name(ret->language));
    if (errand_begin(&c->errand, req, NULL, CHECK_TIMEOUT_MS))
        return c;
    policy_request_free(ret);
    free(c);
    return NULL;
}

/* --- Validate -------------------------------------------------------------------- */

/* `decision` 0: the state of now. */
static void add_recent(struct check *c, uint64_t version, uint64_t decision)
{
    const struct region *live = live_region(platform_live(c->errand.policies->platform));
    struct region *region = region_new(sizeof(struct snapshot), 0, NULL);
    size_t at = c->recent_len;

    if (!region_restore(live, version, region)) {
        region_free(region);
        return;
    }
    c->regions[at] = region;
    if (decision > 0)
        (void)snprintf(c->names[at], NAME_SIZE, "the state of decision %llu",
                       (unsigned long long)decision);
    else
        (void)snprintf(c->names[at], NAME_SIZE, "the state of now");
    c->recent[at] = (struct validation_context){ region, c->names[at] };
    c->recent_len++;
}

static void gather_recent(struct check *c)
{
    struct policies *p = c->errand.policies;
    const struct trace_record *record = trace_newest(p->trace, NULL);
    uint32_t row;

    (void)policies_snapshot(p, NULL, &row);
    add_recent(c, region_version(live_region(platform_live(p->platform))), 0);
    while (record && c->recent_len < RECENT_MAX) {
        if (trace_region_version(record) == 0)
            return; /* decided without a context */
        add_recent(c, trace_region_version(record), trace_number(record));
        record = trace_before(p->trace, record, false);
    }
}

static void write_result(const void *data, struct json_out *out)
{
    policy_write_validation(out, data);
}

static void on_validated(void *data, const struct validation_result *result)
{
    struct check *c = data;

    c->validation = NULL;
    errand_done(&c->errand);
    if (result->is_untried)
        policy_reply_untried(c->errand.req, "the policy could not be tried", &result->diagnostics);
    else
        policy_reply_with(c->errand.req, NULL, write_result, result);
    check_free(c);
}

void api_policy_validate(struct http_request *req)
{
    struct policy_request request;
    struct check *c = begin(req, CALL_VALIDATE, "the validation", &request);

    if (!c)
        return;
    gather_recent(c);
    c->validation = validation_start(c->errand.policies->queen->loop, c->errand.policies->sandbox,
                                     &(struct validation_options){
                                         .language = request.language,
                                         .source = request.source,
                                         .name = c->file,
                                         .recent = c->recent,
                                         .recent_len = c->recent_len,
                                         .on_done = on_validated,
                                         .data = c,
                                     });
    policy_request_free(&request);
}

/* --- Compile ----------------------------------------------------------------------- */

static void write_lua(const void *data, struct json_out *out)
{
    const struct script_lua *lua = data;

    json_strn(out, "lua", buf_str(&lua->text));
    json_begin(out, "line_map", '[');
    for (size_t i = 0; i < lua->line_map_len; i++)
        json_uint(out, NULL, lua->line_map[i]);
    json_end(out);
}

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct check *c = data;

    (void)loaded;
    errand_done(&c->errand);
    policy_reply_with(c->errand.req, NULL, write_lua, lua);
    check_free(c);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct check *c = data;

    errand_done(&c->errand);
    if (failure == POLICY_SANDBOX_UNAVAILABLE || failure == POLICY_STARVED)
        policy_reply_untried(c->errand.req, "policies cannot be compiled now", d);
    else
        policy_reply_invalid(c->errand.req, d, NULL);
    check_free(c);
}

void api_policy_compile(struct http_request *req)
{
    static const struct sandboxed_events events = {
        .on_loaded = on_loaded,
        .on_refused = on_refused,
    };
    struct policy_request request;
    struct check *c = begin(req, CALL_COMPILE, "the compilation", &request);

    if (!c)
        return;
    c->compiler = sandboxed_new(c->errand.policies->sandbox, &(struct sandboxed_options){
                                                                 .language = request.language,
                                                                 .source = request.source,
                                                                 .name = c->file,
                                                                 .want_lua = true,
                                                                 .events = &events,
                                                                 .data = c,
                                                             });
    policy_request_free(&request);
}
