/* What changes policies: deploy, rollback, and the operations that save and delete. */
#include "api/handlers.h"

#include "api/policy_builtin.h"
#include "api/policy_errand.h"
#include "api/policy_reply.h"
#include "api/policy_request.h"
#include "api/queen.h"
#include "base/mem.h"

enum { CHANGE_TIMEOUT_MS = 180000 };

struct change {
    struct errand errand;
    unsigned status; /* of success */
    bool is_to_builtin;
};

static void cancel(struct errand *e)
{
    struct change *c = container_of(e, struct change, errand);

    release_forget(e->policies->release, c);
    free(c);
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

/* --- Operations ------------------------------------------------------------------------ */

void op_policy_save(struct queen *q, struct http_request *req, const struct operation *op)
{
    (void)q;
    read_and_deploy(req, op);
}

static int refuse_delete(const struct policies *p, const struct policy_request *request,
                         struct err *err)
{
    struct policy_version newest;

    if (!policy_is_builtin(request->name) &&
        policy_store_get(release_store(p->release), request->name, 0, &newest, err) < 0)
        return err->code;
    return err_set(err, ERR_UNSUPPORTED,
                   "versions of policies are kept, so that what was decided stays explicable; to "
                   "stop using one, roll back to another or to 'platform'");
}

void op_policy_delete(struct queen *q, struct http_request *req, const struct operation *op)
{
    struct policy_request request;
    struct err err;

    (void)op;
    int rc = check_mutable(q, &err);
    if (rc == 0)
        rc = policy_request_read(CALL_DELETE, http_request_body(req), true, &request, &err);
    if (rc == 0) {
        (void)refuse_delete(q->policies, &request, &err);
        policy_request_free(&request);
    }
    http_reply_error(req, &err);
}
