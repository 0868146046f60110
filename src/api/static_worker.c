#include "api/static_worker.h"

#include "base/file.h"
#include "base/parse.h"
#include "loop/endpoint.h"

#include <stdio.h>

enum { SLOTS_DEFAULT = 4, KEY_FILE_BYTES_MAX = 4096 };

static int set_model(struct worker_facts *w, struct str value, struct err *err)
{
    if (value.len > 0 && str_copy(w->model, sizeof(w->model), value))
        return 0;
    return err_set(err, ERR_INVALID, "model= must be 1 to %d characters", MODEL_REF_SIZE - 1);
}

static int set_id(struct worker_facts *w, struct str value, struct err *err)
{
    if (value.len > 0 && str_copy(w->id, sizeof(w->id), value))
        return 0;
    return err_set(err, ERR_INVALID, "id= must be 1 to %d characters", WORKER_ID_SIZE - 1);
}

static int set_slots(struct worker_facts *w, struct str value, struct err *err)
{
    uint64_t slots;

    if (!parse_u64_str(value, &slots) || slots < 1 || slots > UINT16_MAX)
        return err_set(err, ERR_INVALID, "slots= must be a whole number from 1 to %d", UINT16_MAX);
    w->slots = (uint32_t)slots;
    return 0;
}

static int set_kind(struct worker_facts *w, struct str value, struct err *err)
{
    if (worker_kind_parse(value, &w->kind))
        return 0;
    return err_set(err, ERR_INVALID, "kind= must be openai or rbee, found '%.*s'", STR_ARG(value));
}

/* A key of a service that is not ours: any length, read whole but for the newline. */
static int set_key_file(struct worker_facts *w, struct str value, struct err *err)
{
    char path[4096];
    struct buf text;

    if (!str_copy(path, sizeof(path), value))
        return err_set(err, ERR_INVALID, "key-file= is too long");
    buf_init(&text, KEY_FILE_BYTES_MAX);
    int rc = file_read(path, &text, err);
    struct str line = buf_str(&text);
    while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
        line.len--;
    if (rc == 0 && (line.len == 0 || !str_copy(w->token.text, sizeof(w->token.text), line)))
        rc = err_set(err, ERR_INVALID, "'%s' must hold one key of at most %d characters", path,
                     SECRET_SIZE - 1);
    buf_deinit(&text);
    return rc;
}

static const struct {
    const char *name;
    int (*set)(struct worker_facts *w, struct str value, struct err *err);
} settings[] = {
    { "model=", set_model },       { "id=", set_id },
    { "slots=", set_slots },       { "kind=", set_kind },
    { "key-file=", set_key_file },
};

static int set_part(struct worker_facts *w, struct str part, struct err *err)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        size_t len = strlen(settings[i].name);
        if (str_starts(part, settings[i].name))
            return settings[i].set(w, (struct str){ part.p + len, part.len - len }, err);
    }
    if (str_starts(part, "label."))
        return labels_set_pair(&w->labels, (struct str){ part.p + 6, part.len - 6 }, err);
    return err_set(
        err, ERR_INVALID,
        "'%.*s' is not one of model=, slots=, kind=, key-file=, id=, label.KEY=", STR_ARG(part));
}

static struct str next_part(struct str *rest)
{
    const char *comma = rest->len ? memchr(rest->p, ',', rest->len) : NULL;
    struct str part = { rest->p, comma ? (size_t)(comma - rest->p) : rest->len };
    size_t used = part.len + (comma != NULL);

    rest->p += used;
    rest->len -= used;
    return part;
}

/* Clients know such services by a base URL that ends in /v1: the same thing here. */
static struct str without_v1(struct str url)
{
    static const char *const ends[] = { "/v1/", "/v1" };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t len = strlen(ends[i]);
        if (url.len > len && memcmp(url.p + url.len - len, ends[i], len) == 0)
            return (struct str){ url.p, url.len - len };
    }
    return url;
}

static int set_url(struct worker_facts *w, struct str url, struct err *err)
{
    struct endpoint e;

    int rc = endpoint_parse(without_v1(url), &e, err);
    if (rc < 0)
        return rc;
    w->is_unix = e.is_unix;
    w->port = e.port;
    if (!str_copy(w->address, sizeof(w->address), str_of(e.host)))
        return err_set(err, ERR_INVALID, "the address is too long");
    return 0;
}

static void default_id(struct worker_facts *w)
{
    (void)snprintf(w->id, sizeof(w->id), "%.80s:%u/%.40s", w->address, w->port, w->model);
}

int static_worker_parse(struct str text, struct worker_facts *ret, struct err *err)
{
    struct worker_facts w = {
        .kind = WORKER_KIND_OPENAI,
        .state = WORKER_READY,
        .slots = SLOTS_DEFAULT,
    };
    struct str rest = text;

    int rc = set_url(&w, next_part(&rest), err);
    while (rc == 0 && rest.len > 0)
        rc = set_part(&w, next_part(&rest), err);
    if (rc == 0 && w.model[0] == '\0')
        rc = err_set(err, ERR_INVALID, "model=NAME is missing");
    if (rc < 0) {
        worker_facts_free(&w);
        return err_wrap(err, "--worker %.*s", (int)(text.len > 120 ? 120 : text.len), text.p);
    }
    if (w.id[0] == '\0')
        default_id(&w);
    *ret = w;
    return 0;
}
