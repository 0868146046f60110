#include "policy/test_template.h"

#include "base/file.h"
#include "base/mem.h"
#include "policy/decision_json.h"
#include "policy/platform.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { SOURCE_BYTES_MAX = 1024 * 1024 };

struct template_state {
    struct region *region;
    struct policy *platform, *policy;
    struct policy_answer answer;
};

void template_open(struct template *t, const char *folder, const char *file)
{
    static const char *const marks[] = {
        [SCRIPT_LUA] = "--",
        [SCRIPT_YAML] = "#",
        [SCRIPT_RHAI] = "//",
    };
    char path[4096];
    struct err err = { 0 };

    (void)snprintf(t->file, sizeof(t->file), "%s", file);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!script_language_of_file(str_of(file), &t->language))
        fail_msg("%s is in no language of policies", path);
    t->mark = marks[t->language];
    buf_init(&t->source, SOURCE_BYTES_MAX);
    if (file_read(path, &t->source, &err) < 0)
        fail_msg("%s", err.msg);
}

void template_close(struct template *t)
{
    buf_deinit(&t->source);
}

void template_load(struct template *t)
{
    struct template_state *s = mem_alloc(1, sizeof(*s));
    struct diagnostics d = { .len = 0 };
    struct err err = { 0 };

    s->region = region_new(sizeof(struct snapshot), 0, NULL);
    s->platform = platform_over(region_bytes(s->region), &err);
    assert_non_null(s->platform);
    const struct policy_options options = {
        .snapshot = region_bytes(s->region),
        .platform = s->platform,
        .platform_source = str_of(platform_source),
    };
    s->policy = policy_new(&options, t->language, buf_str(&t->source), t->file, &d);
    if (d.len > 0) /* warnings, too */
        fail_msg("%s:%u: %s", t->file, d.items[0].line, d.items[0].message);
    t->state = s;
}

void template_unload(struct template *t)
{
    policy_free(t->state->policy);
    policy_free(t->state->platform);
    region_free(t->state->region);
    free(t->state);
}

void template_see(struct template *t, const char *context)
{
    struct err err = { 0 };

    region_reset(t->state->region);
    if (context_read(t->state->region, str_of(context), 1700000000000, &err) < 0)
        fail_msg("%s: %s: %s", t->file, err.param, err.msg);
}

void template_ask(struct template *t, struct buf *ret)
{
    const struct snapshot *s = region_bytes(t->state->region);
    struct policy_answer *answer = &t->state->answer;
    bool is_about_one = policy_info(t->state->policy)->entry == POLICY_ENTRY_JOB;
    const struct policy_call call = {
        .kind = is_about_one ? ASK_JOB : ASK_SCHEDULE,
        .job = is_about_one ? s->header.first_job : SNAP_NONE,
        .seed = 1,
    };
    char message[POLICY_MESSAGE_SIZE];
    struct json_out out;

    policy_call(t->state->policy, &call, answer);
    if (answer->failure != POLICY_OK)
        fail_msg("%s", answer->message);
    if (policy_check_answer(s, call.job, &answer->decisions, message, sizeof(message)) != POLICY_OK)
        fail_msg("%s: %s", t->file, message);
    json_out_init(&out, ret);
    decisions_write(&out, NULL, answer->decisions.items, answer->decisions.len, "");
}
