#include "api/policy_request.h"

#include "base/json.h"

/* Unescaped texts are no longer than they were; each may be rounded up. */
enum { UNESCAPED_EXTRA_BYTES = 1024 };

/* What a field's reader may touch. */
struct parse {
    struct json *json;
    struct policy_request *out;
    bool has_language, has_version, has_decision, has_from, has_to;
};

static void read_language(struct parse *p)
{
    char name[16];

    json_read_text(p->json, name, sizeof(name));
    p->has_language = true;
    if (!p->json->failed && !script_language_parse(str_of(name), &p->out->language))
        json_fail(p->json, "must be \"lua\", \"yaml\" or \"rhai\", found \"%s\"", name);
}

/* The operations of old were about Rhai scripts alone. */
static void read_operation(struct parse *p)
{
    char name[64];

    json_read_text(p->json, name, sizeof(name));
    if (p->json->failed || p->has_language || !str_starts(str_of(name), "rhai_script_"))
        return;
    p->out->language = SCRIPT_RHAI;
    p->has_language = true;
}

static void read_source(struct parse *p)
{
    json_read_str(p->json, &p->out->arena, &p->out->source);
    p->out->has_source = true;
}

static void read_name(struct parse *p)
{
    char *name = p->out->name;

    json_read_text(p->json, name, sizeof(p->out->name));
    if (!p->json->failed && !policy_name_is_valid(str_of(name)))
        json_fail(p->json, "must be letters, digits, '.', '_' and '-', not beginning with '.', "
                           "for example \"home\"");
}

static void read_version(struct parse *p)
{
    int64_t version = 0;

    json_read_i64_in(p->json, 1, UINT32_MAX, &version);
    p->out->version = (uint32_t)version;
    p->has_version = true;
}

static void read_message(struct parse *p)
{
    struct str text = { 0 };

    json_read_str(p->json, &p->out->arena, &text);
    if (text.len >= sizeof(p->out->message))
        json_fail(p->json, "must be at most %zu bytes long", sizeof(p->out->message) - 1);
    else if (!str_copy(p->out->message, sizeof(p->out->message), text))
        json_fail(p->json, "must not hold a NUL character");
}

static void read_mode(struct parse *p)
{
    char mode[16];

    json_read_text(p->json, mode, sizeof(mode));
    p->out->is_shadow = strcmp(mode, "shadow") == 0;
    if (!p->json->failed && !p->out->is_shadow && strcmp(mode, "active") != 0)
        json_fail(p->json, "must be \"active\" or \"shadow\", found \"%s\"", mode);
}

static void read_context(struct parse *p)
{
    if (json_peek(p->json) != JSON_OBJECT)
        json_fail(p->json, "must be an object in the shapes of a policy's context");
    else
        json_read_raw(p->json, &p->out->context);
}

static void read_calls(struct parse *p)
{
    int64_t calls = 1;

    json_read_i64_in(p->json, 1, SIMULATED_CALLS_MAX, &calls);
    p->out->calls = (unsigned)calls;
}

static void read_number(struct parse *p, uint64_t *ret)
{
    int64_t number = 0;

    json_read_i64_in(p->json, 1, INT64_MAX, &number);
    *ret = (uint64_t)number;
}

static void read_decision_id(struct parse *p)
{
    read_number(p, &p->out->from);
    p->out->to = p->out->from;
    p->has_decision = true;
}

static void read_from(struct parse *p)
{
    read_number(p, &p->out->from);
    p->has_from = true;
}

static void read_to(struct parse *p)
{
    read_number(p, &p->out->to);
    p->has_to = true;
}

enum {
    IN_VALIDATE = 1 << CALL_VALIDATE,
    IN_COMPILE = 1 << CALL_COMPILE,
    IN_SIMULATE = 1 << CALL_SIMULATE,
    IN_DEPLOY = 1 << CALL_DEPLOY,
    IN_ROLLBACK = 1 << CALL_ROLLBACK,
    IN_REPLAY = 1 << CALL_REPLAY,
    IN_GET = 1 << CALL_GET,
    IN_DELETE = 1 << CALL_DELETE,
    IN_TEST = 1 << CALL_TEST,
    WITH_SOURCE = IN_VALIDATE | IN_COMPILE | IN_SIMULATE | IN_DEPLOY | IN_TEST,
    WITH_NAME = IN_DEPLOY | IN_ROLLBACK | IN_GET | IN_DELETE | IN_TEST,
    WITH_VERSION = IN_SIMULATE | IN_ROLLBACK | IN_REPLAY | IN_GET | IN_DELETE | IN_TEST,
    EVERYWHERE = (1 << ADMIN_CALL_COUNT_) - 1,
};

/* clang-format off */
static const struct {
    const char *name;
    void (*read)(struct parse *p);
    unsigned calls;
    bool of_operations; /* only where the body is an operation's */
} fields[] = {
    { "language",    read_language,    WITH_SOURCE,             false },
    { "source",      read_source,      WITH_SOURCE,             false },
    { "name",        read_name,        WITH_NAME,               false },
    { "policy",      read_name,        IN_SIMULATE | IN_REPLAY, false },
    { "version",     read_version,     WITH_VERSION,            false },
    { "message",     read_message,     IN_DEPLOY,               false },
    { "mode",        read_mode,        IN_DEPLOY,               false },
    { "context",     read_context,     IN_SIMULATE | IN_TEST,   false },
    { "calls",       read_calls,       IN_SIMULATE | IN_TEST,   false },
    { "decision_id", read_decision_id, IN_REPLAY,               false },
    { "from",        read_from,        IN_REPLAY,               false },
    { "to",          read_to,          IN_REPLAY,               false },
    { "operation",   read_operation,   EVERYWHERE,              true  },
};
/* clang-format on */

static void refuse_member(enum admin_call call, struct json *j)
{
    char known[192];
    struct buf names;

    buf_init_fixed(&names, known, sizeof(known));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].calls & (1U << call) && !fields[i].of_operations)
            (void)buf_printf(&names, "%s%s", buf_len(&names) > 0 ? ", " : "", fields[i].name);
    }
    json_fail(j, "is not known here; known are: %s", buf_cstr(&names));
}

static void read_member(enum admin_call call, struct parse *p, bool is_lenient)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!(fields[i].calls & (1U << call)) || !json_key(p->json, fields[i].name))
            continue;
        if (fields[i].of_operations && !is_lenient)
            continue;
        if (!json_read_null(p->json))
            fields[i].read(p);
        return;
    }
    if (is_lenient)
        json_skip(p->json);
    else
        refuse_member(call, p->json);
}

/* --- What each call needs -------------------------------------------------- */

static int missing(struct err *err, const char *param, const char *what)
{
    return err_param(err, ERR_MISSING, param, "'%s' is missing: %s", param, what);
}

static int need_source(const struct parse *p, struct err *err)
{
    if (!p->has_language)
        return missing(err, "language", "say \"lua\", \"yaml\" or \"rhai\"");
    if (!p->out->has_source)
        return missing(err, "source", "give the policy's text");
    return 0;
}

static int need_name(const struct parse *p, struct err *err)
{
    return p->out->name[0] ? 0 : missing(err, "name", "name the policy");
}

static int need_named_source(const struct parse *p, struct err *err)
{
    int rc = need_name(p, err);

    return rc < 0 ? rc : need_source(p, err);
}

/* Going back means to say where to; nobody guesses which one was meant. */
static int need_version(const struct parse *p, struct err *err)
{
    int rc = need_name(p, err);

    if (rc < 0 || p->has_version || str_eq(str_of(p->out->name), "platform") ||
        str_eq(str_of(p->out->name), "simple"))
        return rc;
    return missing(err, "version", "give the number of the version to go back to");
}

static int need_either(const struct parse *p, const char *member, struct err *err)
{
    bool has_text = p->out->has_source || p->has_language;

    if (has_text && p->out->name[0])
        return err_param(err, ERR_INVALID, member, "give 'source' or '%s', not both", member);
    if (p->out->name[0])
        return 0;
    if (p->has_version)
        return missing(err, member, "'version' is of a policy that is kept here");
    return need_source(p, err);
}

static int need_source_or_policy(const struct parse *p, struct err *err)
{
    return need_either(p, "policy", err);
}

static int need_source_or_name(const struct parse *p, struct err *err)
{
    return need_either(p, "name", err);
}

static int need_decisions(const struct parse *p, struct err *err)
{
    const struct policy_request *r = p->out;

    if (!r->name[0])
        return missing(err, "policy", "name the policy to run again over what was decided");
    if (p->has_decision && (p->has_from || p->has_to))
        return err_param(err, ERR_INVALID, "decision_id",
                         "give 'decision_id', or 'from' and 'to', not both");
    if (p->has_decision)
        return 0;
    if (!p->has_from || !p->has_to)
        return missing(err,
                       p->has_from ? "to"
                       : p->has_to ? "from"
                                   : "decision_id",
                       "say which decisions: one by 'decision_id', or 'from' one 'to' another");
    if (r->to < r->from)
        return err_param(err, ERR_INVALID, "to", "'to' must not be less than 'from'");
    if (r->to - r->from >= REPLAYED_MAX)
        return err_param(err, ERR_INVALID, "to", "at most %d decisions can be run again in one go",
                         REPLAYED_MAX);
    return 0;
}

static int (*const needs[ADMIN_CALL_COUNT_])(const struct parse *p, struct err *err) = {
    [CALL_VALIDATE] = need_source,
    [CALL_COMPILE] = need_source,
    [CALL_SIMULATE] = need_source_or_policy,
    [CALL_DEPLOY] = need_named_source,
    [CALL_ROLLBACK] = need_version,
    [CALL_REPLAY] = need_decisions,
    [CALL_GET] = need_name,
    [CALL_DELETE] = need_name,
    [CALL_TEST] = need_source_or_name,
};

int policy_request_read(enum admin_call call, struct str body, bool is_lenient,
                        struct policy_request *ret, struct err *err)
{
    struct policy_request r = { .calls = 1 };
    struct json json;
    struct parse p = { .json = &json, .out = &r };

    arena_init(&r.arena, body.len + UNESCAPED_EXTRA_BYTES);
    json_init(&json, body);
    json_object(&json)
    {
        read_member(call, &p, is_lenient);
    }
    int rc = json_finish(&json, err);
    if (rc == 0)
        rc = needs[call](&p, err);
    if (rc < 0) {
        policy_request_free(&r);
        return rc;
    }
    *ret = r;
    return 0;
}

void policy_request_free(struct policy_request *r)
{
    arena_deinit(&r->arena);
}
