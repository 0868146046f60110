#include "sandbox/wire.h"

#include "sandbox/wire_bytes.h"

/* --- The envelope ------------------------------------------------------------ */

bool wire_kind(struct str message, enum wire_kind *ret)
{
    unsigned char first = message.len > 0 ? (unsigned char)message.p[0] : 0xff;

    if (first > WIRE_ANSWERS)
        return false;
    *ret = (enum wire_kind)first;
    return true;
}

static void begin(struct buf *b, enum wire_kind kind)
{
    buf_clear(b);
    (void)buf_putc(b, (char)kind);
}

static bool is_fit(const struct buf *b)
{
    return !b->overflowed && buf_len(b) <= WIRE_MESSAGE_BYTES_MAX;
}

static struct wire_reader open_message(struct str message, enum wire_kind wanted)
{
    enum wire_kind kind;
    struct wire_reader r = { message, false };

    r.is_bad = !wire_kind(message, &kind) || kind != wanted;
    (void)wire_take(&r, 1);
    return r;
}

/* --- Diagnostics ------------------------------------------------------------- */

static void put_diagnostics(struct buf *b, const struct diagnostics *d)
{
    wire_put_u64(b, d->errors);
    wire_put_u64(b, d->warnings);
    wire_put_u32(b, d->len);
    for (size_t i = 0; i < d->len; i++) {
        wire_put_bool(b, d->items[i].is_warning);
        wire_put_u32(b, d->items[i].line);
        wire_put_u32(b, d->items[i].column);
        wire_put_string(b, d->items[i].message);
        wire_put_string(b, d->items[i].rule);
    }
}

static void get_diagnostics(struct wire_reader *r, struct diagnostics *ret)
{
    ret->errors = wire_get_u64(r);
    ret->warnings = wire_get_u64(r);
    ret->len = wire_get_below(r, DIAGNOSTICS_MAX + 1);
    for (size_t i = 0; i < ret->len; i++) {
        ret->items[i].is_warning = wire_get_bool(r);
        ret->items[i].line = wire_get_u32(r);
        ret->items[i].column = wire_get_u32(r);
        wire_get_string(r, ret->items[i].message, sizeof(ret->items[i].message));
        wire_get_string(r, ret->items[i].rule, sizeof(ret->items[i].rule));
    }
}

bool wire_put_refused(struct buf *b, const struct diagnostics *d)
{
    begin(b, WIRE_REFUSED);
    put_diagnostics(b, d);
    return is_fit(b);
}

bool wire_get_refused(struct str message, struct diagnostics *ret)
{
    struct wire_reader r = open_message(message, WIRE_REFUSED);

    get_diagnostics(&r, ret);
    return wire_is_whole(&r) && ret->len > 0;
}

/* --- Loaded ------------------------------------------------------------------ */

bool wire_put_loaded(struct buf *b, const struct wire_loaded *loaded)
{
    const struct policy_info *info = &loaded->info;

    begin(b, WIRE_LOADED);
    wire_put_string(b, info->header.name);
    wire_put_string(b, info->header.version);
    wire_put_string(b, info->header.description);
    wire_put_u32(b, info->entry);
    wire_put_u32(b, info->hooks);
    wire_put_bool(b, info->starts_workers);
    wire_put_bool(b, loaded->has_seccomp);
    wire_put_u64(b, loaded->load_us);
    wire_put_u64(b, loaded->memory_bytes);
    put_diagnostics(b, &loaded->diagnostics);
    return is_fit(b);
}

bool wire_get_loaded(struct str message, struct wire_loaded *ret)
{
    enum { HOOKS = POLICY_HOOK_ADMIT | POLICY_HOOK_RETRY | POLICY_HOOK_OUTCOME };
    struct wire_reader r = open_message(message, WIRE_LOADED);
    struct policy_info *info = &ret->info;

    wire_get_string(&r, info->header.name, sizeof(info->header.name));
    wire_get_string(&r, info->header.version, sizeof(info->header.version));
    wire_get_string(&r, info->header.description, sizeof(info->header.description));
    info->entry = (enum policy_entry)wire_get_below(&r, POLICY_ENTRY_JOB + 1);
    info->hooks = wire_get_below(&r, HOOKS + 1);
    info->starts_workers = wire_get_bool(&r);
    ret->has_seccomp = wire_get_bool(&r);
    ret->load_us = wire_get_u64(&r);
    ret->memory_bytes = wire_get_u64(&r);
    get_diagnostics(&r, &ret->diagnostics);
    return wire_is_whole(&r);
}

/* --- The Lua text, in pieces ------------------------------------------------- */

bool wire_put_text(struct buf *b, struct str lua, const uint32_t *line_map, size_t line_map_len,
                   bool is_last)
{
    begin(b, WIRE_TEXT);
    wire_put_bool(b, is_last);
    wire_put_bytes(b, lua);
    wire_put_u32(b, line_map_len);
    for (size_t i = 0; i < line_map_len; i++)
        wire_put_u32(b, line_map[i]);
    return is_fit(b);
}

bool wire_get_text(struct str message, struct script_lua *ret, bool *ret_last)
{
    struct wire_reader r = open_message(message, WIRE_TEXT);

    *ret_last = wire_get_bool(&r);
    struct str lua = wire_take(&r, wire_get_u32(&r));
    size_t lines = wire_get_u32(&r);
    if (r.is_bad || r.rest.len != lines * sizeof(uint32_t))
        return false;
    if (lua.len == 0 && lines == 0 && !*ret_last)
        return false; /* nothing, for ever */
    if (lua.len > 0 && !buf_add(&ret->text, lua.p, lua.len))
        return false;
    if (lines > SCRIPT_LUA_BYTES_MAX - ret->line_map_len)
        return false;
    for (size_t i = 0; i < lines; i++)
        script_lua_map_line(ret, wire_get_u32(&r));
    return true;
}

/* --- Questions ---------------------------------------------------------------- */

static void put_outcome(struct buf *b, const struct policy_call *call)
{
    wire_put_string(b, call->outcome.state);
    wire_put_string(b, call->outcome.worker_id);
    wire_put_u64(b, call->outcome.tokens_in);
    wire_put_u64(b, call->outcome.tokens_out);
    wire_put_u64(b, call->outcome.queue_ms);
    wire_put_u64(b, call->outcome.ttft_ms);
    wire_put_u64(b, call->outcome.total_ms);
    wire_put_string(b, call->outcome.error_code);
}

static void get_outcome(struct wire_reader *r, struct policy_call *ret)
{
    wire_get_string(r, ret->outcome.state, sizeof(ret->outcome.state));
    wire_get_string(r, ret->outcome.worker_id, sizeof(ret->outcome.worker_id));
    ret->outcome.tokens_in = wire_get_u64(r);
    ret->outcome.tokens_out = wire_get_u64(r);
    ret->outcome.queue_ms = wire_get_u64(r);
    ret->outcome.ttft_ms = wire_get_u64(r);
    ret->outcome.total_ms = wire_get_u64(r);
    wire_get_string(r, ret->outcome.error_code, sizeof(ret->outcome.error_code));
}

static void put_call(struct buf *b, const struct policy_call *call)
{
    wire_put_u32(b, call->kind);
    wire_put_u32(b, call->job);
    wire_put_u64(b, call->seed);
    wire_put_bool(b, call->want_scores);
    if (call->kind == ASK_RETRY) {
        wire_put_u32(b, call->attempt);
        wire_put_string(b, call->error_code);
        wire_put_string(b, call->error_message);
    }
    if (call->kind == ASK_OUTCOME)
        put_outcome(b, call);
}

static void get_call(struct wire_reader *r, struct policy_call *ret)
{
    *ret = (struct policy_call){ 0 };
    ret->kind = (enum ask_kind)wire_get_below(r, ASK_KIND_COUNT_);
    ret->job = wire_get_u32(r);
    ret->seed = wire_get_u64(r);
    ret->want_scores = wire_get_bool(r);
    if (ret->kind == ASK_RETRY) {
        ret->attempt = wire_get_u32(r);
        wire_get_string(r, ret->error_code, sizeof(ret->error_code));
        wire_get_string(r, ret->error_message, sizeof(ret->error_message));
    }
    if (ret->kind == ASK_OUTCOME)
        get_outcome(r, ret);
}

bool wire_put_calls(struct buf *b, uint64_t seq, const struct policy_call *calls, size_t len)
{
    begin(b, WIRE_CALLS);
    wire_put_u64(b, seq);
    wire_put_u32(b, len);
    for (size_t i = 0; i < len; i++)
        put_call(b, &calls[i]);
    return is_fit(b);
}

bool wire_get_calls(struct str message, uint64_t *ret_seq, struct policy_call ret[WIRE_CALLS_MAX],
                    size_t *ret_len)
{
    struct wire_reader r = open_message(message, WIRE_CALLS);

    *ret_seq = wire_get_u64(&r);
    *ret_len = wire_get_below(&r, WIRE_CALLS_MAX + 1);
    for (size_t i = 0; i < *ret_len; i++)
        get_call(&r, &ret[i]);
    return wire_is_whole(&r) && *ret_len > 0;
}
