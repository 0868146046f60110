/* The members of one object, by its table; and what its row cannot hold. */
#include "snapshot/context_reader.h"

#include "base/json_texts.h"
#include "base/json_write.h"

#include <stdio.h>

enum { KEY_SIZE = 256 };

void context_path(char out[CONTEXT_PATH_SIZE], const char *name, size_t i)
{
    (void)snprintf(out, CONTEXT_PATH_SIZE, "%s[%zu]", name, i);
}

void context_fail(struct reader *x, const char *path, const struct err *err)
{
    char param[sizeof(err->param)];

    if (x->err.code)
        return;
    (void)snprintf(param, sizeof(param), "%s%s%s", path, *path && *err->param ? "." : "",
                   err->param);
    (void)err_param(&x->err, err->code, param, "%s%s%s", path, *path ? ": " : "", err->msg);
}

void context_fail_for_room(struct reader *x)
{
    if (!x->err.code)
        (void)err_set(&x->err, ERR_LIMIT, "the context's texts are longer than %d bytes in all",
                      SNAP_ARENA_BYTES);
}

struct snap_text context_put_text(struct reader *x, struct str text)
{
    struct snap_text t = { x->arena_used, (uint32_t)text.len };

    if (text.len == 0)
        return (struct snap_text){ 0, 0 };
    if (text.len > SNAP_ARENA_BYTES - x->arena_used) {
        context_fail_for_room(x);
        return (struct snap_text){ 0, 0 };
    }
    rows_put_text(x->r, t.off, text.p, text.len);
    x->arena_used += t.len;
    return t;
}

/* Members that are kept as they are: one JSON object, begun by the first. */
struct kept {
    struct buf text;
    struct json_out out;
};

static void keep(struct kept *k, const char *key, struct str raw)
{
    if (buf_len(&k->text) == 0)
        json_begin(&k->out, NULL, '{');
    json_raw(&k->out, key, raw);
}

/* What an object of the same row kept before, unless this one says it anew. */
static void keep_older(struct reader *x, struct kept *k, struct str older, struct str raw)
{
    struct json j;
    struct err err;
    char key[KEY_SIZE];

    json_init(&j, older);
    json_object(&j)
    {
        struct str again = { 0 }, value;

        if (json_key_copy(&j, key, sizeof(key)) && json_raw_member(raw, key, &again, &err) == 0 &&
            !again.p) {
            json_read_raw(&j, &value);
            keep(k, key, value);
        }
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, "", &err);
}

static void put_extras(struct reader *x, struct kept *k, const struct context_target *t,
                       struct str raw)
{
    struct snap_text *extras = (struct snap_text *)(void *)(t->row + t->table->extras);

    if (extras->len > 0)
        keep_older(x, k, snapshot_text(rows_of(x->r), *extras), raw);
    if (buf_len(&k->text) == 0) {
        *extras = (struct snap_text){ 0, 0 };
        return;
    }
    json_end(&k->out);
    if (k->text.overflowed)
        context_fail_for_room(x);
    else
        *extras = context_put_text(x, buf_str(&k->text));
}

static const struct context_field *find_field(const struct context_table *table,
                                              const struct json *j)
{
    for (size_t i = 0; i < table->len; i++) {
        if (json_key(j, table->fields[i].name))
            return &table->fields[i];
    }
    return NULL;
}

/* True: keep it. */
static bool read_member(struct reader *x, struct json *j, struct context_target *t)
{
    bool is_kept = true;

    t->field = find_field(t->table, j);
    if (t->field && json_read_null(j))
        return false; /* as if it were absent */
    if (t->field) {
        if (t->field->given)
            *(uint32_t *)(void *)(t->row + t->table->given) |= t->field->given;
        is_kept = context_read_value(x, j, t) || t->field->flags & CONTEXT_KEEP;
    }
    json_skip(j);
    return is_kept;
}

void context_read_members(struct reader *x, struct str raw, const struct context_table *table,
                          void *row, const char *path, bool *ret_is_kept)
{
    struct context_target t = { .table = table, .row = row, .path = path };
    struct kept kept;
    struct json j;
    struct err err;
    char key[KEY_SIZE];

    buf_init(&kept.text, SNAP_ARENA_BYTES);
    json_out_init(&kept.out, &kept.text);
    *ret_is_kept = false;
    json_init(&j, raw);
    json_object(&j)
    {
        (void)json_peek(&j); /* past the white space */
        size_t start = j.at;

        if (!read_member(x, &j, &t) || j.failed || !json_key_copy(&j, key, sizeof(key)))
            continue;
        *ret_is_kept = true;
        if (table->extras != CONTEXT_NO_MEMBER)
            keep(&kept, key, (struct str){ j.text + start, j.at - start });
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, path, &err);
    else if (!x->err.code && table->extras != CONTEXT_NO_MEMBER)
        put_extras(x, &kept, &t, raw);
    buf_deinit(&kept.text);
}
