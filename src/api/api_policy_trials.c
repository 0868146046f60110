/* Trying policies out: simulate, replay, and the operation `policy_test`. */
#include "api/handlers.h"

#include "api/policy_errand.h"
#include "api/policy_replay.h"
#include "api/policy_reply.h"
#include "api/policy_request.h"
#include "api/policy_simulation.h"
#include "api/policy_source.h"
#include "api/queen.h"
#include "base/clock.h"
#include "base/mem.h"
#include "snapshot/context.h"

enum { SIMULATION_TIMEOUT_MS = 180000, REPLAY_TIMEOUT_MS = 180000 };

/* Its body is read on a thread beside the loop: a context may be many megabytes of JSON. */
struct trial {
    struct errand errand;
    enum admin_call call;
    char *body;
    size_t body_len;

    bool is_away;  /* being read */
    bool is_freed; /* meanwhile */
    int rc;        /* of reading */
    struct err err;
    struct policy_request request; /* when rc == 0 */
    struct region *context;

    struct simulation *simulation;
};

static void trial_free(struct trial *t)
{
    if (t->is_away) {
        t->is_freed = true;
        return;
    }
    simulation_cancel(t->simulation);
    if (t->rc == 0)
        policy_request_free(&t->request);
    region_free(t->context);
    free(t->body);
    free(t);
}

static void cancel(struct errand *e)
{
    trial_free(container_of(e, struct trial, errand));
}

static void fail(struct trial *t, const struct err *err)
{
    errand_fail(&t->errand, err);
    trial_free(t);
}

static void on_simulated(void *data, struct str json, const struct err *err)
{
    struct trial *t = data;

    t->simulation = NULL; /* it is gone after this */
    if (err) {
        fail(t, err);
        return;
    }
    errand_done(&t->errand);
    policy_reply(t->errand.req, t->errand.op, 200, json);
    trial_free(t);
}

/* --- Reading, on a thread ------------------------------------------------------ */

static int read_context(struct trial *t)
{
    static const struct str nothing = { "{}", 2 };
    struct str json = t->request.context.p ? t->request.context : nothing;

    t->context = region_new(sizeof(struct snapshot), 0, NULL);
    int rc = context_read(t->context, json, clock_wall_ms(), &t->err);
    if (rc < 0)
        policy_request_free(&t->request);
    return rc;
}

static void work(void *data)
{
    struct trial *t = data;
    struct str body = { t->body, t->body_len };

    t->rc = policy_request_read(t->call, body, t->errand.op != NULL, &t->request, &t->err);
    if (t->rc == 0)
        t->rc = read_context(t);
}

static void start(struct trial *t)
{
    struct policies *p = t->errand.policies;
    struct policy_source source;
    struct err err;

    if (policy_source_find(p, &t->request, &source, &err) < 0) {
        fail(t, &err);
        return;
    }
    t->simulation = simulation_start(
        &(struct simulation_options){
            .loop = p->queen->loop,
            .sandbox = p->sandbox,
            .is_platform = source.is_platform,
            .language = source.language,
            .source = source.text,
            .name = source.file,
            .calls = t->request.calls,
            .on_done = on_simulated,
            .data = t,
        },
        TAKE(t->context));
    policy_source_deinit(&source);
    policy_request_free(&t->request); /* and nobody looks at the body any more */
    free(TAKE(t->body));
}

static void on_read(void *data)
{
    struct trial *t = data;

    t->is_away = false;
    if (t->is_freed)
        trial_free(t);
    else if (t->rc < 0)
        fail(t, &t->err);
    else
        start(t);
}

static void simulate(struct http_request *req, const struct operation *op, enum admin_call call)
{
    struct trial *t = mem_alloc(1, sizeof(*t));
    struct queen *q = http_request_app(req);

    t->call = call;
    t->errand.what = "the simulation";
    t->errand.cancel = cancel;
    t->rc = -1;
    if (!errand_begin(&t->errand, req, op, SIMULATION_TIMEOUT_MS)) {
        trial_free(t);
        return;
    }
    t->body = http_request_take_body(req, &t->body_len);
    t->is_away = true;
    loop_offload(q->loop, work, on_read, t);
}

void api_policy_simulate(struct http_request *req)
{
    struct err err;

    if (http_request_body(req).len > 0) {
        simulate(req, NULL, CALL_SIMULATE);
        return;
    }
    (void)err_set(&err, ERR_MISSING,
                  "say what to simulate as a JSON body: {\"language\",\"source\",\"context\"}");
    http_reply_error(req, &err);
}

void op_policy_test(struct queen *q, struct http_request *req, const struct operation *op)
{
    (void)q;
    simulate(req, op, CALL_TEST);
}

/* --- Replay -------------------------------------------------------------------- */

struct rerun {
    struct errand errand;
    struct replay *replay;
};

static void rerun_free(struct rerun *r)
{
    replay_cancel(r->replay);
    free(r);
}

static void cancel_rerun(struct errand *e)
{
    rerun_free(container_of(e, struct rerun, errand));
}

static void on_replayed(void *data, struct str json, const struct err *err)
{
    struct rerun *r = data;

    r->replay = NULL; /* it is gone after this */
    if (err) {
        errand_fail(&r->errand, err);
    } else {
        errand_done(&r->errand);
        policy_reply(r->errand.req, NULL, 200, json);
    }
    rerun_free(r);
}

static void start_replay(struct http_request *req, const struct policy_request *request,
                         const struct policy_source *source)
{
    struct rerun *r = mem_alloc(1, sizeof(*r));

    r->errand.what = "the replay";
    r->errand.cancel = cancel_rerun;
    if (!errand_begin(&r->errand, req, NULL, REPLAY_TIMEOUT_MS)) {
        rerun_free(r);
        return;
    }
    r->replay = replay_start(&(struct replay_options){
        .policies = r->errand.policies,
        .source = source,
        .from = request->from,
        .to = request->to,
        .on_done = on_replayed,
        .data = r,
    });
}

void api_policy_replay(struct http_request *req)
{
    const struct queen *q = http_request_app(req);
    struct policy_request request;
    struct policy_source source;
    struct err err;

    if (policy_request_read(CALL_REPLAY, http_request_body(req), false, &request, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    if (policy_source_find(q->policies, &request, &source, &err) < 0) {
        http_reply_error(req, &err);
    } else {
        start_replay(req, &request, &source);
        policy_source_deinit(&source);
    }
    policy_request_free(&request);
}
