/* `action:`: one of several, each with its own members. */
#include "rules/read.h"

#include <stdio.h>

enum {
    DURATION_MS_MAX = 24 * 60 * 60 * 1000,
    GPU_ID_MAX = 255,
    /* Of texts that go out in decisions, as the queen takes them. */
    ID_BYTES_MAX = 127,
    MODEL_BYTES_MAX = 255,
    REASON_BYTES_MAX = 159,
    CODE_BYTES_MAX = 63,
};

static bool expect_mapping(struct rule_reader *r, const struct rule_node *node,
                           const char *const *known)
{
    if (node->kind != RULE_NODE_MAPPING) {
        rule_error(r, node, "%s takes a mapping of its members, not %s", node->key->text.p,
                   rule_node_kind_name(node->kind));
        return false;
    }
    rule_check_keys(r, node, known);
    return true;
}

static void read_short_text(struct rule_reader *r, const struct rule_node *mapping, const char *key,
                            size_t max, struct str *ret)
{
    const struct rule_node *node = rule_node_get(mapping, key);

    if (!node || !rule_read_text(r, node, ret))
        return;
    if (ret->len > max)
        rule_error(r, node, "%s is too long; at most %zu bytes are allowed", key, max);
}

static void read_optional_integer(struct rule_reader *r, const struct rule_node *mapping,
                                  const char *key, int64_t max, int64_t *ret)
{
    const struct rule_node *node = rule_node_get(mapping, key);

    if (node)
        (void)rule_read_integer(r, node, 0, max, ret);
}

static struct rule_call *new_call(struct rule_reader *r, const char *method)
{
    struct rule_call *call = rule_reader_alloc(r, sizeof(*call));

    call->method = rule_method_find(str_of(method));
    return call;
}

static const struct rule_selection *read_selection(struct rule_reader *r,
                                                   const struct rule_node *mapping)
{
    const struct rule_node *node = rule_node_get(mapping, "worker_selection");
    const struct rule_selection *selection =
        rule_selection_find(node ? node->text : str_of("least-loaded"));
    struct rule_hint hint;

    if (selection)
        return selection;
    rule_hint_init(&hint, node->text);
    rule_hint_offer_rows(&hint, rule_selections, sizeof(rule_selections[0]));
    rule_error(r, node, "unknown worker_selection '%s'%s", node->text.p ? node->text.p : "",
               rule_hint_text(&hint));
    return NULL;
}

static void check_model_match(struct rule_reader *r, const struct rule_node *mapping)
{
    const struct rule_node *node = rule_node_get(mapping, "model_match");

    if (!node || str_eq(node->text, "required"))
        return;
    if (str_eq(node->text, "any"))
        rule_warning(r, node,
                     "model_match: any is the same as required: a worker answers with "
                     "the model it has, so a job never goes to another");
    else
        rule_error(r, node, "model_match must be required or any");
}

static void read_dispatch(struct rule_reader *r, const struct rule_node *node,
                          struct rule_action *ret)
{
    static const char *const known[] = { "worker_selection", "model_match", "filter", NULL };
    const struct rule_selection *selection;
    const struct rule_node *filter;

    ret->kind = RULE_DISPATCH;
    if (node->kind != RULE_NODE_NULL && !expect_mapping(r, node, known))
        return;
    check_model_match(r, node);
    selection = read_selection(r, node);
    if (!selection)
        return;
    struct rule_call *choose = new_call(r, selection->method);
    choose->field = str_of(selection->field);
    ret->calls = choose;
    if ((filter = rule_node_get(node, "filter")) != NULL) {
        ret->calls = new_call(r, "filter");
        ret->calls->filter = rule_filter_read(r, filter);
        ret->calls->next = choose;
    }
}

static void read_select(struct rule_reader *r, const struct rule_node *node,
                        struct rule_action *ret)
{
    ret->kind = RULE_DISPATCH;
    ret->calls = rule_select_read(r, node);
}

static void read_wait(struct rule_reader *r, const struct rule_node *node, struct rule_action *ret)
{
    static const char *const known[] = { "duration_ms", "reason", NULL };

    ret->kind = RULE_WAIT;
    if (node->kind != RULE_NODE_NULL && !expect_mapping(r, node, known))
        return;
    read_optional_integer(r, node, "duration_ms", DURATION_MS_MAX, &ret->duration_ms);
    read_short_text(r, node, "reason", REASON_BYTES_MAX, &ret->reason);
}

static void read_evict_kind(struct rule_reader *r, const struct rule_node *node, struct str *ret)
{
    struct rule_hint hint;

    if (!rule_read_text(r, node, ret) || rule_word_find(rule_evict_kinds, *ret))
        return;
    rule_hint_init(&hint, *ret);
    rule_hint_offer_rows(&hint, rule_evict_kinds, sizeof(rule_evict_kinds[0]));
    rule_error(r, node, "kind must be lru, lfu or gdsf%s", rule_hint_text(&hint));
}

static void read_evict(struct rule_reader *r, const struct rule_node *node, struct rule_action *ret)
{
    static const char *const known[] = { "worker_id", "kind", NULL };
    const struct rule_node *id, *kind;

    ret->kind = RULE_EVICT;
    if (!expect_mapping(r, node, known))
        return;
    id = rule_node_get(node, "worker_id");
    kind = rule_node_get(node, "kind");
    if ((id != NULL) == (kind != NULL))
        rule_error(r, node, "evict takes either worker_id or kind");
    else if (kind)
        read_evict_kind(r, kind, &ret->evict_kind);
    else
        read_short_text(r, node, "worker_id", ID_BYTES_MAX, &ret->worker_id);
}

static void read_start_worker(struct rule_reader *r, const struct rule_node *node,
                              struct rule_action *ret)
{
    static const char *const known[] = { "model_ref", "pool_id", "gpu_id", NULL };

    ret->kind = RULE_START_WORKER;
    ret->gpu_id = -1;
    if (node->kind != RULE_NODE_NULL && !expect_mapping(r, node, known))
        return;
    read_short_text(r, node, "model_ref", MODEL_BYTES_MAX, &ret->model_ref);
    read_short_text(r, node, "pool_id", ID_BYTES_MAX, &ret->pool_id);
    read_optional_integer(r, node, "gpu_id", GPU_ID_MAX, &ret->gpu_id);
}

static bool is_code(struct str code)
{
    for (size_t i = 0; i < code.len; i++) {
        char c = code.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return code.len > 0 && code.len <= CODE_BYTES_MAX;
}

static bool is_status(int64_t status)
{
    return status == 403 || status == 429 || status == 503 || status == 504;
}

static void read_reject(struct rule_reader *r, const struct rule_node *node,
                        struct rule_action *ret)
{
    static const char *const known[] = { "code", "status", NULL };
    const struct rule_node *code, *status;

    ret->kind = RULE_REJECT;
    if (!expect_mapping(r, node, known))
        return;
    code = rule_node_get(node, "code");
    status = rule_node_get(node, "status");
    if (!code)
        rule_error(r, node, "code is missing; for example code: no_gpu_for_this");
    else if (rule_read_text(r, code, &ret->code) && !is_code(ret->code))
        rule_error(r, code, "code takes a-z, 0-9 and _, at most %d of them", CODE_BYTES_MAX);
    if (status && (status->kind != RULE_NODE_NUMBER || !is_status(status->integer)))
        rule_error(r, status, "status must be 403, 429, 503 or 504");
    else if (status)
        ret->status = status->integer;
}

static void read_use(struct rule_reader *r, const struct rule_node *node, struct rule_action *ret)
{
    ret->kind = RULE_PLATFORM;
    if (!str_eq(node->text, "platform-scheduler") && !str_eq(node->text, "platform_scheduler"))
        rule_error(r, node, "use must be platform-scheduler");
}

typedef void action_read_fn(struct rule_reader *r, const struct rule_node *node,
                            struct rule_action *ret);

static const struct {
    const char *name;
    action_read_fn *read;
} readers[] = {
    { "dispatch", read_dispatch },
    { "select", read_select },
    { "wait", read_wait },
    { "evict", read_evict },
    { "start_worker", read_start_worker },
    { "reject", read_reject },
    { "use", read_use },
    { 0 },
};

const char *rule_action_name(size_t index)
{
    return index < sizeof(readers) / sizeof(readers[0]) ? readers[index].name : NULL;
}

void rule_action_read(struct rule_reader *r, const struct rule_node *node, struct rule_action *ret)
{
    const struct rule_node *member = node->first;
    struct rule_hint hint;

    if (node->kind != RULE_NODE_MAPPING || node->len != 1) {
        rule_error(r, node,
                   "an action is a mapping with one of dispatch, select, wait, evict, "
                   "start_worker, reject, use");
        return;
    }
    for (size_t i = 0; readers[i].name; i++) {
        if (str_eq(member->key->text, readers[i].name)) {
            readers[i].read(r, member, ret);
            return;
        }
    }
    rule_hint_init(&hint, member->key->text);
    rule_hint_offer_rows(&hint, readers, sizeof(readers[0]));
    rule_error(r, member->key, "unknown action '%s'%s", member->key->text.p, rule_hint_text(&hint));
}
