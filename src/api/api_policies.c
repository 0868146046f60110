/* The policies that are kept here, and the built-in ones: lists, versions, texts. */
#include "api/handlers.h"

#include "api/policy_builtin.h"
#include "api/policy_query.h"
#include "api/policy_reply.h"
#include "api/policy_request.h"
#include "api/queen.h"

struct listing {
    const struct policies *policies;
    struct json_out *out;
    const char *name; /* of one policy's versions */
};

static bool is_active(const struct policies *p, const struct policy_version *v)
{
    const struct policy_version *active = release_active(p->release);

    return active && active->version == v->version && strcmp(active->name, v->name) == 0;
}

/* --- All of them ---------------------------------------------------------------- */

static void count(void *data, const struct policy_version *v)
{
    (void)v;
    ++*(size_t *)data;
}

static void write_policy(void *data, const struct policy_version *newest)
{
    const struct listing *l = data;
    const struct policy_version *active = release_active(l->policies->release);
    bool is_it = active && strcmp(active->name, newest->name) == 0;
    size_t versions = 0;

    (void)policy_store_versions(release_store(l->policies->release), newest->name, count,
                                &versions);
    json_begin(l->out, NULL, '{');
    policy_write_version(l->out, newest, is_it);
    json_uint(l->out, "versions", versions);
    if (is_it)
        json_uint(l->out, "active_version", active->version);
    json_bool(l->out, "builtin", false);
    json_end(l->out);
}

static void write_builtin(struct json_out *out, const struct policies *p, const char *name,
                          bool with_source)
{
    struct policy_version version;
    struct str source;

    policy_builtin_version(name, &version, &source);
    policy_write_version(out, &version, policy_builtin_is_active(p, name));
    json_uint(out, "versions", 1);
    json_bool(out, "builtin", true);
    if (with_source && source.len > 0)
        json_strn(out, "source", source);
    else if (with_source)
        json_null(out, "source");
}

static void write_active(const struct policies *p, struct json_out *out)
{
    const struct policy_version *active = release_active(p->release);

    json_begin(out, "active", '{');
    json_str(out, "name", active ? active->name : p->builtin);
    json_uint(out, "version", active ? active->version : 1);
    json_end(out);
}

static void write_all(const void *data, struct json_out *out)
{
    const struct policies *p = data;
    struct listing l = { .policies = p, .out = out };
    const char *error = release_last_error(p->release);

    write_active(p, out);
    json_begin(out, "policies", '[');
    for (const char *const *name = policy_builtins; *name; name++) {
        json_begin(out, NULL, '{');
        write_builtin(out, p, *name, false);
        json_end(out);
    }
    (void)policy_store_names(release_store(p->release), write_policy, &l);
    json_end(out);
    json_str(out, "last_error", error[0] ? error : NULL);
}

/* --- One, and its versions --------------------------------------------------------- */

static void write_version(void *data, const struct policy_version *v)
{
    const struct listing *l = data;

    json_begin(l->out, NULL, '{');
    policy_write_version(l->out, v, is_active(l->policies, v));
    json_end(l->out);
}

static void write_versions(const void *data, struct json_out *out)
{
    struct listing all = *(const struct listing *)data, *l = &all;
    struct policy_version builtin;

    l->out = out;
    json_str(out, "name", l->name);
    json_begin(out, "versions", '[');
    if (policy_is_builtin(l->name)) {
        policy_builtin_version(l->name, &builtin, NULL);
        json_begin(out, NULL, '{');
        policy_write_version(out, &builtin, policy_builtin_is_active(l->policies, l->name));
        json_end(out);
    } else {
        (void)policy_store_versions(release_store(l->policies->release), l->name, write_version, l);
    }
    json_end(out);
}

struct one {
    const struct policies *policies;
    const struct policy_version *version; /* NULL: the built-in one of this name */
    const char *name;
    struct str source;
};

static void write_one(const void *data, struct json_out *out)
{
    const struct one *one = data;
    size_t versions = 0;

    if (!one->version) {
        write_builtin(out, one->policies, one->name, true);
        return;
    }
    (void)policy_store_versions(release_store(one->policies->release), one->name, count, &versions);
    policy_write_version(out, one->version, is_active(one->policies, one->version));
    json_uint(out, "versions", versions);
    json_bool(out, "builtin", false);
    json_strn(out, "source", one->source);
}

/* `version` 0: the newest. */
static int reply_one(struct http_request *req, const struct operation *op, const char *name,
                     uint32_t version, struct err *err)
{
    const struct queen *q = http_request_app(req);
    struct policy_store *store = release_store(q->policies->release);
    struct one one = { .policies = q->policies, .name = name };
    struct policy_version found;
    struct buf source;

    if (policy_is_builtin(name)) {
        if (version > 1)
            return err_param(err, ERR_NOT_FOUND, "version", "'%s' is built in: it has version 1",
                             name);
        policy_reply_with(req, op, write_one, &one);
        return 0;
    }
    int rc = policy_store_get(store, name, version, &found, err);
    if (rc < 0)
        return rc;
    buf_init(&source, STORE_SOURCE_BYTES_MAX);
    rc = policy_store_source(store, &found, &source, err);
    if (rc == 0) {
        one.version = &found;
        one.source = buf_str(&source);
        policy_reply_with(req, op, write_one, &one);
    }
    buf_deinit(&source);
    return rc;
}

/* --- Routes -------------------------------------------------------------------------- */

void api_policies_list(struct http_request *req)
{
    static const char *const no_parameters[] = { NULL };
    const struct queen *q = http_request_app(req);
    struct err err;

    if (policy_query_check(req, no_parameters, &err) < 0)
        http_reply_error(req, &err);
    else
        policy_reply_with(req, NULL, write_all, q->policies);
}

void api_policies_get(struct http_request *req)
{
    char name[SCRIPT_NAME_SIZE];
    struct err err;

    if (policy_path_name(req, name, &err) < 0 || reply_one(req, NULL, name, 0, &err) < 0)
        http_reply_error(req, &err);
}

void api_policies_version(struct http_request *req)
{
    char name[SCRIPT_NAME_SIZE];
    uint32_t version = 0;
    struct err err;

    if (policy_path_name(req, name, &err) < 0 || policy_path_version(req, &version, &err) < 0 ||
        reply_one(req, NULL, name, version, &err) < 0)
        http_reply_error(req, &err);
}

static int find_any(const struct policies *p, const char *name, struct err *err)
{
    struct policy_version newest;

    return policy_is_builtin(name)
               ? 0
               : policy_store_get(release_store(p->release), name, 0, &newest, err);
}

void api_policies_versions(struct http_request *req)
{
    const struct queen *q = http_request_app(req);
    char name[SCRIPT_NAME_SIZE];
    struct listing l = { .policies = q->policies, .name = name };
    struct err err;

    if (policy_path_name(req, name, &err) < 0 || find_any(q->policies, name, &err) < 0)
        http_reply_error(req, &err);
    else
        policy_reply_with(req, NULL, write_versions, &l);
}

/* --- Operations ------------------------------------------------------------------------ */

void op_policy_list(struct queen *q, struct http_request *req, const struct operation *op)
{
    policy_reply_with(req, op, write_all, q->policies);
}

void op_policy_get(struct queen *q, struct http_request *req, const struct operation *op)
{
    struct policy_request request;
    struct err err;

    (void)q;
    if (policy_request_read(CALL_GET, http_request_body(req), true, &request, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    if (reply_one(req, op, request.name, request.version, &err) < 0)
        http_reply_error(req, &err);
    policy_request_free(&request);
}
