#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "release/store_files.h"
#include "release/store_private.h"

#include <assert.h>
#include <stdio.h>

/* All that the writing thread needs: it does not look at the store. */
struct policy_write {
    char dir[PATH_MAX];
    enum { WRITE_NOTHING, WRITE_VERSION, WRITE_CHOICE, WRITE_REMOVAL } kind;
    struct policy_version version; /* .version 0 of a choice: the built-in policy */
    char *source;                  /* of a version */
    struct policy_version *gone;   /* of a removal: that go; `version` is the last of them */
    size_t gone_len;
    bool goes_whole; /* of a removal: nothing of that name stays */
    int code;        /* of the run */
    struct err err;
};

static struct policy_write *begin(struct policy_store *s)
{
    struct policy_write *w = mem_alloc(1, sizeof(*w));

    assert(!s->is_writing);
    s->is_writing = true;
    (void)str_copy(w->dir, sizeof(w->dir), str_of(s->dir));
    return w;
}

void policy_write_free(struct policy_write *w)
{
    if (!w)
        return;
    free(w->source);
    free(w->gone);
    free(w);
}

/* --- Preparing -------------------------------------------------------------------- */

/* Whole characters, as many as fit. */
static void copy_message(char dst[STORE_MESSAGE_SIZE], const char *message)
{
    struct str text = str_of(message);
    size_t len = 0, n;

    while (len < text.len && (n = utf8_sequence(text.p + len, text.len - len)) > 0 &&
           len + n < STORE_MESSAGE_SIZE)
        len += n;
    (void)str_copy(dst, STORE_MESSAGE_SIZE, (struct str){ text.p, len });
}

static int check_new(const struct policy_store *s, const char *name, struct str source,
                     struct err *err)
{
    if (!policy_name_is_valid(str_of(name)))
        return err_param(err, ERR_INVALID, "name",
                         "'%s' is no name for a policy: use letters, digits, '.', '_' and '-', at "
                         "most %d, and no '.' in front",
                         name, SCRIPT_NAME_SIZE - 1);
    if (source.len > STORE_SOURCE_BYTES_MAX)
        return err_param(err, ERR_LIMIT, "source", "has %zu bytes; at most %d are allowed",
                         source.len, SCRIPT_BYTES_MAX);
    if (!store_find_family(s, name) && s->len >= STORE_NAMES_MAX)
        return err_set(err, ERR_LIMIT, "%d policies are stored already; use the name of one",
                       STORE_NAMES_MAX);
    return 0;
}

int policy_store_prepare_add(struct policy_store *s, const char *name,
                             enum script_language language, struct str source,
                             const struct script_header *header, const char *message,
                             uint64_t now_ms, struct policy_write **ret, struct err *err)
{
    const struct family *f = store_find_family(s, name);
    struct policy_write *w;

    if (check_new(s, name, source, err) < 0)
        return err->code;
    w = *ret = begin(s);
    if (policy_store_find(s, name, language, source, &w->version))
        return 0;
    w->kind = WRITE_VERSION;
    w->source = mem_copy(source);
    w->version = (struct policy_version){
        .version = f ? f->last + 1 : 1,
        .language = language,
        .header = *header,
        .created_ms = now_ms,
        .bytes = source.len,
    };
    (void)str_copy(w->version.name, sizeof(w->version.name), str_of(name));
    crypto_sha256_hex(source, w->version.hash);
    copy_message(w->version.message, message);
    return 0;
}

struct policy_write *policy_store_prepare_choice(struct policy_store *s,
                                                 const struct policy_version *v)
{
    struct policy_write *w = begin(s);

    w->kind = WRITE_CHOICE;
    if (v)
        w->version = *v;
    return w;
}

static bool is_active(const struct policy_store *s, const struct policy_version *v)
{
    return s->active.version == v->version && strcmp(s->active.name, v->name) == 0;
}

/* Which of a name's versions go. */
static int choose_gone(const struct policy_store *s, const struct family *f, uint32_t version,
                       struct policy_write *w, struct err *err)
{
    w->gone = mem_alloc(f->len, sizeof(*w->gone));
    for (size_t i = 0; i < f->len; i++) {
        const struct policy_version *v = &f->versions[i];

        if (version != 0 && v->version != version)
            continue;
        if (is_active(s, v))
            return err_param(err, ERR_CONFLICT, "name",
                             "version %u of '%s' decides now; have another one decide before it "
                             "is deleted",
                             v->version, v->name);
        w->gone[w->gone_len++] = w->version = *v;
    }
    w->goes_whole = w->gone_len == f->len;
    return 0;
}

int policy_store_prepare_removal(struct policy_store *s, const char *name, uint32_t version,
                                 struct policy_write **ret, struct err *err)
{
    struct policy_version known;

    if (policy_store_get(s, name, version, &known, err) < 0)
        return err->code;
    struct policy_write *w = begin(s);
    w->kind = WRITE_REMOVAL;
    if (choose_gone(s, store_find_family(s, name), version, w, err) < 0) {
        s->is_writing = false;
        policy_write_free(w);
        return err->code;
    }
    *ret = w;
    return 0;
}

/* --- Writing ---------------------------------------------------------------------- */

static int write_version(const struct policy_write *w, struct err *err)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", w->dir, w->version.name);

    if (len < 0 || (size_t)len >= sizeof(path))
        return err_set(err, ERR_LIMIT, "the path of '%s' is too long", w->version.name);
    if (file_make_dir(path, err) < 0)
        return err->code;
    return store_version_write(w->dir, &w->version, (struct str){ w->source, w->version.bytes },
                               err);
}

static int write_choice(const struct policy_write *w, struct err *err)
{
    const char *name = w->version.version > 0 ? w->version.name : NULL;

    return store_choice_write(w->dir, name, w->version.version, err);
}

static int write_removal(const struct policy_write *w, struct err *err)
{
    for (size_t i = 0; i < w->gone_len; i++) {
        if (store_version_remove(w->dir, &w->gone[i], err) < 0)
            return err->code;
    }
    if (w->goes_whole)
        store_name_remove(w->dir, w->version.name);
    return 0;
}

void policy_write_run(struct policy_write *w)
{
    static int (*const writes[])(const struct policy_write *w, struct err *err) = {
        [WRITE_VERSION] = write_version,
        [WRITE_CHOICE] = write_choice,
        [WRITE_REMOVAL] = write_removal,
    };

    if (w->kind != WRITE_NOTHING)
        w->code = writes[w->kind](w, &w->err);
}

/* --- Taking note ------------------------------------------------------------------ */

/* The oldest version of a name that may go: not the active one, nor the newest. */
static bool find_oldest(const struct policy_store *s, const struct family *f, size_t *ret)
{
    *ret = f->len > 0 && is_active(s, &f->versions[0]) ? 1 : 0;
    return *ret + 1 < f->len;
}

static void forget(struct policy_store *s, struct family *f, size_t at)
{
    struct err err;

    if (store_version_remove(s->dir, &f->versions[at], &err) < 0)
        log_warn("an old version of a policy stays on the disk", LOG_ERR(&err));
    family_drop(f, at);
}

/* Of all names; NULL: nothing may go. */
static struct family *family_of_oldest(const struct policy_store *s, size_t *ret)
{
    struct family *best = NULL;
    uint64_t since_ms = UINT64_MAX;
    size_t at;

    for (size_t i = 0; i < s->len; i++) {
        struct family *f = s->families[i];
        if (!find_oldest(s, f, &at) || f->versions[at].created_ms >= since_ms)
            continue;
        since_ms = f->versions[at].created_ms;
        *ret = at;
        best = f;
    }
    return best;
}

static size_t count_bytes(const struct policy_store *s)
{
    size_t bytes = 0;

    for (size_t i = 0; i < s->len; i++)
        bytes += s->families[i]->bytes;
    return bytes;
}

static void keep_caps(struct policy_store *s, struct family *f)
{
    size_t at;

    if (f->len > STORE_VERSIONS_MAX && find_oldest(s, f, &at))
        forget(s, f, at);
    while (count_bytes(s) > s->bytes_max && (f = family_of_oldest(s, &at)))
        forget(s, f, at);
}

static void note_version(struct policy_store *s, const struct policy_version *v)
{
    struct family *f = store_make_family(s, v->name);

    f->last = v->version;
    family_append(f, v);
    keep_caps(s, f);
}

static void note_choice(struct policy_store *s, const struct policy_version *v)
{
    s->active = *v;
    s->has_choice = true;
}

static void note_removal(struct policy_store *s, const struct policy_write *w)
{
    struct family *f = store_find_family(s, w->version.name);

    if (w->goes_whole) {
        store_drop_family(s, f);
        return;
    }
    for (size_t i = f->len; i-- > 0;) {
        if (f->versions[i].version == w->version.version)
            family_drop(f, i);
    }
}

static void note(struct policy_store *s, const struct policy_write *w)
{
    if (w->kind == WRITE_VERSION)
        note_version(s, &w->version);
    else if (w->kind == WRITE_CHOICE)
        note_choice(s, &w->version);
    else if (w->kind == WRITE_REMOVAL)
        note_removal(s, w);
}

int policy_store_commit(struct policy_store *s, struct policy_write *w, struct policy_version *ret,
                        struct err *err)
{
    int code = w->code;

    s->is_writing = false;
    if (code != 0) {
        *err = w->err;
    } else {
        note(s, w);
        *ret = w->version;
    }
    policy_write_free(w);
    return code;
}

/* --- All at once ------------------------------------------------------------------ */

int policy_store_add(struct policy_store *s, const char *name, enum script_language language,
                     struct str source, const struct script_header *header, const char *message,
                     uint64_t now_ms, struct policy_version *ret, struct err *err)
{
    struct policy_write *w;

    if (policy_store_prepare_add(s, name, language, source, header, message, now_ms, &w, err) < 0)
        return err->code;
    policy_write_run(w);
    return policy_store_commit(s, w, ret, err);
}

int policy_store_set_active(struct policy_store *s, const struct policy_version *v, struct err *err)
{
    struct policy_write *w = policy_store_prepare_choice(s, v);
    struct policy_version ignored;

    policy_write_run(w);
    return policy_store_commit(s, w, &ignored, err);
}
