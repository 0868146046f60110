/* What was decided before a record, about other questions of its message. */
#include "base/json.h"
#include "base/json_texts.h"
#include "base/mem.h"
#include "trace/record.h"

enum { CHAIN_MAX = 64 };

/* Of a decision only its action and its worker are carried. */
static bool add_decision(struct str json, struct decisions *ret)
{
    char action[32] = "";
    struct decision *d = &ret->items[ret->len];
    const struct json_text members[] = {
        { "action", action, sizeof(action) },
        { "worker_id", d->worker_id, sizeof(d->worker_id) },
    };
    struct err ignored;

    if (ret->len == DECISIONS_MAX)
        return false;
    *d = (struct decision){ .gpu = DECISION_GPU_ANY };
    if (json_texts_read(json, members, 2, &ignored) < 0 ||
        !decision_action_parse(str_of(action), &d->action))
        return false;
    ret->len++;
    return true;
}

static bool read_decisions(const struct trace_record *r, struct decisions *ret)
{
    struct err ignored;
    struct str list;
    struct json j;
    bool is_good = true;

    ret->len = 0;
    if (json_raw_member(str_of(r->decision), "actions", &list, &ignored) < 0)
        return false;
    if (!list.p)
        return add_decision(str_of(r->decision), ret);
    json_init(&j, list);
    json_array(&j)
    {
        struct str one = { 0 };

        json_read_raw(&j, &one);
        is_good = is_good && add_decision(one, ret);
    }
    return is_good;
}

bool trace_carry(const struct trace *t, const struct trace_record *r, const struct carry *carry)
{
    const struct trace_record *chain[CHAIN_MAX], *at = r;
    size_t len = 0;

    for (; at->inputs.previous != 0; chain[len++] = at) {
        at = trace_record(t, at->inputs.previous);
        if (!at || len == CHAIN_MAX)
            return false;
    }
    if (len == 0)
        return true;
    AUTO(free_ptr) struct decisions *decisions = mem_alloc(1, sizeof(*decisions));
    while (len-- > 0) {
        if (!read_decisions(chain[len], decisions) ||
            !carry_decisions(carry, chain[len]->inputs.job_row, decisions))
            return false;
    }
    carry_asked(carry, r->inputs.job_row);
    return true;
}
