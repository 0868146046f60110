#include "release/store.h"

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "release/store_files.h"
#include "release/store_private.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>

static_assert((int)STORE_HASH_SIZE == (int)SHA256_HEX_SIZE, "a hash is a SHA-256");
static_assert((STORE_NAMES_MAX + 2) * (long long)STORE_SOURCE_BYTES_MAX <= STORE_BYTES_MAX,
              "what never goes has room");

bool policy_name_is_reserved(struct str name)
{
    return str_eq(name, "platform") || str_eq(name, "simple");
}

bool policy_name_is_valid(struct str name)
{
    if (name.len == 0 || name.len >= SCRIPT_NAME_SIZE || name.p[0] == '.' ||
        str_eq(name, "active.json"))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* --- In memory ------------------------------------------------------------------ */

/* Where a name stands, or would. */
static size_t place_of(const struct policy_store *s, const char *name)
{
    size_t low = 0, high = s->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(s->families[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct family *store_find_family(const struct policy_store *s, const char *name)
{
    size_t at = place_of(s, name);

    return at < s->len && strcmp(s->families[at]->name, name) == 0 ? s->families[at] : NULL;
}

static struct family *insert(struct policy_store *s, const char *name)
{
    size_t at = place_of(s, name);
    struct family *f = mem_alloc(1, sizeof(*f));

    if (s->len == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 8;
        s->families = mem_resize(s->families, s->cap * sizeof(struct family *));
    }
    memmove(s->families + at + 1, s->families + at, (s->len - at) * sizeof(struct family *));
    s->families[at] = f;
    s->len++;
    (void)str_copy(f->name, sizeof(f->name), str_of(name));
    return f;
}

static void family_free(struct family *f)
{
    free(f->versions);
    free(f);
}

void family_append(struct family *f, const struct policy_version *v)
{
    if (f->len == f->cap) {
        f->cap = f->cap > 0 ? 2 * f->cap : 4;
        f->versions = mem_resize(f->versions, f->cap * sizeof(*f->versions));
    }
    f->versions[f->len++] = *v;
    f->bytes += v->bytes;
}

void family_drop(struct family *f, size_t at)
{
    f->bytes -= f->versions[at].bytes;
    f->len--;
    memmove(f->versions + at, f->versions + at + 1, (f->len - at) * sizeof(*f->versions));
}

void store_drop_family(struct policy_store *s, const struct family *f)
{
    size_t at = place_of(s, f->name);

    family_free(s->families[at]);
    s->len--;
    memmove(s->families + at, s->families + at + 1, (s->len - at) * sizeof(struct family *));
}

static const struct policy_version *version_of(const struct family *f, uint32_t version)
{
    for (size_t i = f->len; i > 0; i--) {
        if (f->versions[i - 1].version == version)
            return &f->versions[i - 1];
    }
    return NULL;
}

static const struct policy_version *with_text(const struct family *f, enum script_language language,
                                              const char *hash)
{
    for (size_t i = f->len; i > 0; i--) {
        const struct policy_version *v = &f->versions[i - 1];
        if (v->language == language && strcmp(v->hash, hash) == 0)
            return v;
    }
    return NULL;
}

struct family *store_make_family(struct policy_store *s, const char *name)
{
    struct family *f = store_find_family(s, name);

    return f ? f : insert(s, name);
}

/* --- What is there at the start ------------------------------------------------- */

static int compare_versions(const void *a, const void *b)
{
    const struct policy_version *x = a, *y = b;

    return (x->version > y->version) - (x->version < y->version);
}

static void load_version(struct policy_store *s, struct family *f, uint32_t version)
{
    struct policy_version v;
    struct err err;

    if (f->len >= STORE_VERSIONS_MAX)
        log_warn("too many versions of a policy, one is passed over", LOG_STR("policy", f->name),
                 LOG_INT("version", version));
    else if (store_version_read(s->dir, f->name, version, &v, &err) < 0)
        log_warn("a version of a policy is broken, it is passed over", LOG_STR("policy", f->name),
                 LOG_INT("version", version), LOG_ERR(&err));
    else
        family_append(f, &v);
}

static void load_family(struct policy_store *s, const char *name, DIR *dir)
{
    struct family *f = insert(s, name);
    const struct dirent *entry;
    uint32_t version;

    while ((entry = readdir(dir))) {
        if (store_file_has_number(entry->d_name, &version) && version > f->last)
            f->last = version;
        if (store_file_is_version(entry->d_name, &version))
            load_version(s, f, version);
    }
    if (f->len > 1)
        qsort(f->versions, f->len, sizeof(*f->versions), compare_versions);
}

/* Files beside the folders are not ours to judge. */
static void load_name(struct policy_store *s, const char *name)
{
    char path[PATH_MAX];

    if (!policy_name_is_valid(str_of(name)))
        return;
    int len = snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    DIR *dir = len > 0 && (size_t)len < sizeof(path) ? opendir(path) : NULL;
    if (!dir)
        return;
    if (s->len < STORE_NAMES_MAX)
        load_family(s, name, dir);
    else
        log_warn("too many policies, one is passed over", LOG_STR("policy", name));
    (void)closedir(dir);
}

static int load_all(struct policy_store *s, struct err *err)
{
    DIR *dir = opendir(s->dir);
    const struct dirent *entry;

    if (!dir)
        return err_sys(err, "cannot open '%s'", s->dir);
    while ((entry = readdir(dir)))
        load_name(s, entry->d_name);
    (void)closedir(dir);
    return 0;
}

static void lose_choice(struct policy_store *s, const struct err *err)
{
    (void)snprintf(s->loss, sizeof(s->loss), "the policy that was active is lost: %s", err->msg);
    log_error("the policy that was active is lost", LOG_ERR(err));
}

/* Who was passed over is read again, for the words about it. */
static int find_choice(struct policy_store *s, const char *name, uint32_t version, struct err *err)
{
    struct policy_version ignored;
    int rc = policy_store_get(s, name, version, &s->active, err);

    if (rc < 0 && policy_name_is_valid(str_of(name)) &&
        store_version_read(s->dir, name, version, &ignored, err) < 0)
        rc = err->code;
    return rc;
}

static void load_choice(struct policy_store *s)
{
    char name[SCRIPT_NAME_SIZE];
    uint32_t version;
    struct err err;

    if (store_choice_read(s->dir, name, &version, &err) < 0) {
        if (err.code != ERR_NOT_FOUND)
            lose_choice(s, &err);
        return;
    }
    if (name[0] != '\0' && find_choice(s, name, version, &err) < 0)
        lose_choice(s, &err);
    else
        s->has_choice = true;
}

struct policy_store *policy_store_open(const char *dir, struct err *err)
{
    struct policy_store *s = mem_alloc(1, sizeof(*s));

    s->bytes_max = STORE_BYTES_MAX;
    if (!str_copy(s->dir, sizeof(s->dir), str_of(dir)))
        (void)err_set(err, ERR_LIMIT, "the path '%s' is too long", dir);
    else if (file_make_dir(dir, err) == 0 && load_all(s, err) == 0) {
        load_choice(s);
        return s;
    }
    policy_store_close(s);
    return NULL;
}

void policy_store_close(struct policy_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->len; i++)
        family_free(s->families[i]);
    free(s->families);
    free(s);
}

/* --- Asking --------------------------------------------------------------------- */

static int no_such_name(const struct policy_store *s, const char *name, struct err *err)
{
    char names[200];
    struct buf list;

    buf_init_fixed(&list, names, sizeof(names));
    for (size_t i = 0; i < s->len; i++) {
        if (s->families[i]->len > 0)
            (void)buf_printf(&list, " %s", s->families[i]->name);
    }
    return err_param(err, ERR_NOT_FOUND, "name", "there is no policy '%s'; stored are:%s%s", name,
                     buf_len(&list) > 0 ? buf_cstr(&list) : " none", list.overflowed ? " …" : "");
}

static int no_such_version(const struct family *f, uint32_t version, struct err *err)
{
    return err_param(err, ERR_NOT_FOUND, "version",
                     "policy '%s' has no version %u; it has %zu, from %u to %u", f->name, version,
                     f->len, f->versions[0].version, f->versions[f->len - 1].version);
}

int policy_store_get(const struct policy_store *s, const char *name, uint32_t version,
                     struct policy_version *ret, struct err *err)
{
    const struct family *f = store_find_family(s, name);

    if (!f || f->len == 0)
        return no_such_name(s, name, err);
    const struct policy_version *v =
        version == 0 ? &f->versions[f->len - 1] : version_of(f, version);
    if (!v)
        return no_such_version(f, version, err);
    *ret = *v;
    return 0;
}

int policy_store_source(const struct policy_store *s, const struct policy_version *v,
                        struct buf *ret, struct err *err)
{
    return store_version_source(s->dir, v, ret, err);
}

bool policy_store_find(const struct policy_store *s, const char *name,
                       enum script_language language, struct str source, struct policy_version *ret)
{
    const struct policy_version *v = NULL;
    char hash[SHA256_HEX_SIZE];

    crypto_sha256_hex(source, hash);
    for (size_t i = 0; i < s->len && !v; i++) {
        if (!name || strcmp(s->families[i]->name, name) == 0)
            v = with_text(s->families[i], language, hash);
    }
    if (v)
        *ret = *v;
    return v != NULL;
}

size_t policy_store_names(const struct policy_store *s,
                          void (*visit)(void *data, const struct policy_version *newest),
                          void *data)
{
    size_t visited = 0;

    for (size_t i = 0; i < s->len; i++) {
        const struct family *f = s->families[i];
        if (f->len == 0)
            continue;
        visit(data, &f->versions[f->len - 1]);
        visited++;
    }
    return visited;
}

size_t policy_store_versions(const struct policy_store *s, const char *name,
                             void (*visit)(void *data, const struct policy_version *v), void *data)
{
    const struct family *f = store_find_family(s, name);

    for (size_t i = f ? f->len : 0; i > 0; i--)
        visit(data, &f->versions[i - 1]);
    return f ? f->len : 0;
}

const struct policy_version *policy_store_active(const struct policy_store *s)
{
    return s->active.version > 0 ? &s->active : NULL;
}

bool policy_store_has_choice(const struct policy_store *s)
{
    return s->has_choice;
}

const char *policy_store_loss(const struct policy_store *s)
{
    return s->loss;
}
