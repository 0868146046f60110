#include "base/labels.h"

#include "base/mem.h"

#include <assert.h>

struct entry {
    char *key;
    char *value;
    size_t bytes; /* of both, with their NULs */
};

static struct entry entry_at(const struct labels *l, size_t offset)
{
    char *key = l->text + offset;
    char *value = key + strlen(key) + 1;

    return (struct entry){ key, value, (size_t)(value - key) + strlen(value) + 1 };
}

static bool find(const struct labels *l, struct str key, struct entry *ret)
{
    for (size_t offset = 0; offset < l->bytes; offset += ret->bytes) {
        *ret = entry_at(l, offset);
        if (str_eq(key, ret->key))
            return true;
    }
    return false;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

static int check(struct str key, struct str value, struct err *err)
{
    if (key.len == 0)
        return err_set(err, ERR_INVALID, "a label has no name");
    if (has_control(key) || has_control(value))
        return err_set(err, ERR_INVALID, "a label must not hold control characters");
    if (key.len > LABEL_KEY_MAX)
        return err_set(err, ERR_INVALID, "the label name '%.20s...' is longer than %d bytes", key.p,
                       LABEL_KEY_MAX);
    if (memchr(key.p, '=', key.len))
        return err_set(err, ERR_INVALID, "the label name '%.*s' must not hold '='", STR_ARG(key));
    if (value.len == 0 || value.len > LABEL_VALUE_MAX)
        return err_set(err, ERR_INVALID, "the label '%.*s' must have a value of 1 to %d bytes",
                       STR_ARG(key), LABEL_VALUE_MAX);
    return 0;
}

static char *append(char *at, struct str s)
{
    memcpy(at, s.p, s.len);
    at[s.len] = '\0';
    return at + s.len + 1;
}

int labels_set(struct labels *l, struct str key, struct str value, struct err *err)
{
    struct entry old;

    int rc = check(key, value, err);
    if (rc < 0)
        return rc;
    bool is_known = find(l, key, &old);
    if (!is_known && l->count == LABELS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d labels", LABELS_MAX);

    /* Both views may lie in the old text, so the new one is made beside it. */
    size_t before = is_known ? (size_t)(old.key - l->text) : l->bytes;
    size_t behind = is_known ? before + old.bytes : l->bytes;
    size_t bytes = before + key.len + value.len + 2 + (l->bytes - behind);
    char *text = mem_alloc(1, bytes);

    if (before > 0)
        memcpy(text, l->text, before);
    char *end = append(append(text + before, key), value);
    if (l->bytes > behind)
        memcpy(end, l->text + behind, l->bytes - behind);
    free(l->text);
    *l = (struct labels){ text, bytes, l->count + !is_known };
    return 0;
}

int labels_set_pair(struct labels *l, struct str pair, struct err *err)
{
    const char *equals = pair.len > 0 ? memchr(pair.p, '=', pair.len) : NULL;

    if (!equals)
        return err_set(err, ERR_INVALID, "'%.*s' is not KEY=VALUE", STR_ARG(pair));
    struct str key = { pair.p, (size_t)(equals - pair.p) };
    struct str value = { equals + 1, pair.len - key.len - 1 };
    return labels_set(l, key, value, err);
}

const char *labels_get(const struct labels *l, const char *key)
{
    struct entry entry;

    return find(l, str_of(key), &entry) ? entry.value : NULL;
}

void labels_at(const struct labels *l, size_t i, const char **ret_key, const char **ret_value)
{
    assert(i < l->count);

    struct entry entry = entry_at(l, 0);
    for (size_t offset = entry.bytes; i > 0; i--, offset += entry.bytes)
        entry = entry_at(l, offset);
    *ret_key = entry.key;
    *ret_value = entry.value;
}

void labels_copy(struct labels *dst, const struct labels *src)
{
    struct labels copy = *src;

    if (dst == src)
        return;
    if (src->bytes > 0) {
        copy.text = mem_alloc(1, src->bytes);
        memcpy(copy.text, src->text, src->bytes);
    }
    labels_free(dst);
    *dst = copy;
}

void labels_free(struct labels *l)
{
    free(l->text);
    *l = (struct labels){ 0 };
}
