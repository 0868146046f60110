/* What changes policies: deploy, rollback, delete, and the operations that save and delete. */
#include "api/handlers.h"

#include "api/policy_builtin.h"
#include "api/policy_errand.h"
#include "api/policy_query.h"
#include "api/policy_reply.h"
#include "api/policy_request.h"
#include "api/queen.h"
#include "base/mem.h"

enum { CHANGE_TIMEOUT_MS = 180000 };

struct change {
    struct errand errand;
    unsigned status; /* of success */
    bool is_to_builtin, is_deletion;
};

static void cancel(struct errand *e)
{
    struct change *c = container_of(e, struct change, errand);

    release_forget(e->policies->release, c);
    free(c);
}

static void write_deleted(const struct policy_version *newest, struct json_out *out)
{
    json_begin(out, NULL, '{');
    json_str(out, "name", newest->name);
    json_bool(out, "deleted", true);
    json_end(out);
}

static void write_done(struct change *c, const struct deploy_result *result, struct json_out *out)
{
    const struct policies *p = c->errand.policies;
    struct policy_version builtin;
    const struct policy_version *v = &result->version;

    if (c->is_to_builtin) {
        policy_builtin_version(p->builtin, &builtin, NULL);
        v = &builtin;
    }
    json_begin(out, NULL, '{');
    json_str(out, "name", v->name);
    json_uint(out, "version", v->version);
    json_str(out, "hash", v->hash);
    json_bool(out, "active", result->is_active || c->is_to_builtin);
    if (result->validation && result->validation->diagnostics.warnings > 0)
        policy_write_diagnostics(out, &result->validation->diagnostics);
    json_end(out);
}

static void reply_done(struct change *c, const struct deploy_result *result)
{
    struct json_out out;
    struct buf json;

    buf_init(&json, POLICY_REPLY_BYTES_MAX);
    json_out_init(&out, &json);
    if (c->is_deletion)
        write_deleted(&result->version, &out);
    else
        write_done(c, result, &out);
    policy_reply(c->errand.req, c->errand.op, c->status, buf_str(&json));
    buf_deinit(&json);
}

static void on_done(void *data, const struct deploy_result *result)
{
    struct change *c = data;

    errand_done(&c->errand);
    if (result->code == 0)
        reply_done(c, result);
    else if (result->validation && !result->validation->is_valid)
        policy_reply_invalid(c->errand.req, &result->validation->diagnostics, result->validation);
    else
        http_reply_error(c->errand.req, &result->err);
    free(c);
}

static struct change *begin(struct http_request *req, const struct operation *op, unsigned status)
{
    struct change *c = mem_alloc(1, sizeof(*c));

    c->status = status;
    c->errand.what = "the change";
    c->errand.outlives = true;
    c->errand.cancel = cancel;
    if (errand_begin(&c->errand, req, op, CHANGE_TIMEOUT_MS))
        return c;
    free(c);
    return NULL;
}

/* Before anything else is looked at: nothing changes here. */
static int check_mutable(const struct queen *q, struct err *err)
{
    if (!q->config.policies.is_immutable)
        return 0;
    return err_set(err, ERR_PLATFORM_IMMUTABLE,
                   "in platform mode the built-in policy decides and cannot be changed; read it at "
                   "/v2/admin/scheduler/platform-source");
}

/* --- New versions ------------------------------------------------------------------ */

static int check_name(const struct policy_request *request, struct err *err)
{
    if (!policy_is_builtin(request->name))
        return 0;
    return err_param(err, ERR_CONFLICT, "name",
                     "'%s' is the name of a built-in policy; deploy yours under another",
                     request->name);
}

static void deploy(struct http_request *req, const struct operation *op,
                   const struct policy_request *request)
{
    struct change *c = begin(req, op, 201);

    if (!c)
        return;
    release_deploy(c->errand.policies->release,
                   &(struct deploy_request){
                       .name = request->name,
                       .language = request->language,
                       .source = request->source,
                       .message = request->message,
                       .activate = !op && !request->is_shadow,
                   },
                   on_done, c);
}

static void read_and_deploy(struct http_request *req, const struct operation *op)
{
    struct policy_request request;
    struct err err;

    int rc = check_mutable(http_request_app(req), &err);
    if (rc == 0)
        rc = policy_request_read(CALL_DEPLOY, http_request_body(req), op != NULL, &request, &err);
    if (rc < 0) {
        http_reply_error(req, &err);
        return;
    }
    if (check_name(&request, &err) < 0)
        http_reply_error(req, &err);
    else
        deploy(req, op, &request);
    policy_request_free(&request);
}

void api_policy_deploy(struct http_request *req)
{
    read_and_deploy(req, NULL);
}

/* --- Old versions -------------------------------------------------------------------- */

static int check_builtin(const struct policies *p, const struct policy_request *request,
                         struct err *err)
{
    if (!policy_is_builtin(request->name) || strcmp(request->name, p->builtin) == 0)
        return 0;
    return err_param(err, ERR_CONFLICT, "name",
                     "the built-in policy of this queen is '%s'; start it with --scheduler %s to "
                     "have '%s'",
                     p->builtin, request->name, request->name);
}

static void roll_back(struct http_request *req, const struct policy_request *request)
{
    struct change *c = begin(req, NULL, 200);

    if (!c)
        return;
    struct release *release = c->errand.policies->release;
    c->is_to_builtin = policy_is_builtin(request->name);
    if (c->is_to_builtin)
        release_builtin(release, on_done, c);
    else
        release_rollback(release, request->name, request->version, on_done, c);
}

void api_policy_rollback(struct http_request *req)
{
    const struct queen *q = http_request_app(req);
    struct policy_request request;
    struct err err;

    int rc = check_mutable(q, &err);
    if (rc == 0)
        rc = policy_request_read(CALL_ROLLBACK, http_request_body(req), false, &request, &err);
    if (rc < 0) {
        http_reply_error(req, &err);
        return;
    }
    if (check_builtin(q->policies, &request, &err) < 0)
        http_reply_error(req, &err);
    else
        roll_back(req, &request);
    policy_request_free(&request);
}

/* --- Deleting -------------------------------------------------------------------------- */

static int check_deletable(const char *name, struct err *err)
{
    if (!policy_is_builtin(name))
        return 0;
    return err_param(err, ERR_CONFLICT, "name", "'%s' is built in and cannot be deleted", name);
}

static void delete (struct http_request *req, const struct operation *op, const char *name,
                    uint32_t version)
{
    struct change *c;
    struct err err;

    if (check_deletable(name, &err) < 0) {
        http_reply_error(req, &err);
    } else if ((c = begin(req, op, 200))) {
        c->is_deletion = true;
        release_delete(c->errand.policies->release, name, version, on_done, c);
    }
}

void api_policy_delete(struct http_request *req)
{
    char name[SCRIPT_NAME_SIZE];
    struct err err;

    if (check_mutable(http_request_app(req), &err) < 0 || policy_path_name(req, name, &err) < 0)
        http_reply_error(req, &err);
    else
        delete (req, NULL, name, 0);
}

void api_policy_delete_version(struct http_request *req)
{
    char name[SCRIPT_NAME_SIZE];
    uint32_t version;
    struct err err;

    if (check_mutable(http_request_app(req), &err) < 0 || policy_path_name(req, name, &err) < 0 ||
        policy_path_version(req, &version, &err) < 0)
        http_reply_error(req, &err);
    else
        delete (req, NULL, name, version);
}

/* --- Operations ------------------------------------------------------------------------ */

void op_policy_save(struct queen *q, struct http_request *req, const struct operation *op)
{
    (void)q;
    read_and_deploy(req, op);
}

void op_policy_delete(struct queen *q, struct http_request *req, const struct operation *op)
{
    struct policy_request request;
    struct err err;

    if (check_mutable(q, &err) < 0 ||
        policy_request_read(CALL_DELETE, http_request_body(req), true, &request, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    delete (req, op, request.name, request.version);
    policy_request_free(&request);
}
