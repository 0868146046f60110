#include "keeper/policy_work.h"

#include "keeper/answer.h"

#include "base/file.h"
#include "base/parse.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>

enum {
    ANSWER_MS = 200000, /* the queen tries a policy out before it says anything */
};

const char *const policy_languages[] = { "auto", "lua", "yaml", "rhai", NULL };

int policy_command(struct keeper *k, void *options, int operands_len, char **operands,
                   policy_body_fn *body)
{
    struct policy_work c = {
        .keeper = k,
        .options = options,
        .operands = (const char *const *)operands,
        .operands_len = operands_len,
    };
    struct err err;

    k->answer_ms = ANSWER_MS;
    buf_init(&c.answer, KEEPER_ANSWER_MAX);
    arena_init(&c.arena, KEEPER_ANSWER_MAX);
    int rc = service_init(&c.queen, "queen", c.options->common.queen_url, "rbee queen start", &err);
    if (rc == 0)
        rc = body(&c, &err);
    buf_deinit(&c.answer);
    arena_deinit(&c.arena);
    return rc < 0 ? keeper_fail(k, &err) : rc;
}

/* --- Asking ------------------------------------------------------------------------ */

int policy_ask(struct policy_work *c, const char *method, const char *path, struct str body,
               struct err *err)
{
    struct buf target;

    buf_init(&target, POLICY_PATH_BYTES_MAX + sizeof("/v2/admin/scheduler/"));
    (void)buf_printf(&target, "/v2/admin/scheduler/%s", path);
    buf_clear(&c->answer);
    int rc = keeper_fetch(c->keeper, &c->queen, method, buf_cstr(&target), body, &c->answer, err);
    buf_deinit(&target);
    if (rc == 0 && answer_check(buf_str(&c->answer), err) < 0)
        rc = keeper_misread(err);
    return rc;
}

int policy_get(struct policy_work *c, struct buf *path, struct err *err)
{
    int rc = path->overflowed ? err_set(err, ERR_INVALID, "a name or an id is too long")
                              : policy_ask(c, "GET", buf_cstr(path), (struct str){ 0 }, err);

    buf_deinit(path);
    return rc;
}

void policy_print_answer(const struct policy_work *c)
{
    struct str answer = buf_str(&c->answer);

    (void)fwrite(answer.p, 1, answer.len, stdout);
    (void)fputc('\n', stdout);
}

void policy_put_escaped(struct buf *path, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || strchr("-._~", c))
            (void)buf_putc(path, (char)c);
        else
            (void)buf_printf(path, "%%%02X", c);
    }
}

/* --- Names ------------------------------------------------------------------------- */

int policy_ref_read(const char *text, struct policy_ref *ret, struct err *err)
{
    const char *at = strchr(text, '@');
    struct str name = { text, at ? (size_t)(at - text) : strlen(text) };
    struct policy_ref ref = { .version = 0 };
    uint64_t version = 0;

    if (!str_copy(ref.name, sizeof(ref.name), name) || !ref.name[0] ||
        ref.name[strspn(ref.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-")])
        return err_set(err, ERR_INVALID,
                       "'%s' is no policy's name: give NAME or NAME@VERSION, NAME of letters, "
                       "digits, '.', '_' and '-'",
                       text);
    if (at && (!parse_u64_str(str_of(at + 1), &version) || version < 1 || version > UINT32_MAX))
        return err_set(err, ERR_INVALID, "'%s': a version is a whole number from 1 on", text);
    ref.version = (uint32_t)version;
    *ret = ref;
    return 0;
}

int policy_fetch_source(struct policy_work *c, const struct policy_ref *ref, struct str *ret,
                        struct err *err)
{
    char path[sizeof(ref->name) + 64];
    struct json j;

    if (ref->version > 0)
        (void)snprintf(path, sizeof(path), "policies/%s/versions/%u", ref->name, ref->version);
    else
        (void)snprintf(path, sizeof(path), "policies/%s", ref->name);
    int rc = policy_ask(c, "GET", path, (struct str){ 0 }, err);
    if (rc < 0)
        return rc;
    struct str source = answer_raw(buf_str(&c->answer), "source");
    if (!source.p)
        return err_set(err, ERR_UNSUPPORTED, "'%s' is written in C: there is no text to show",
                       ref->name);
    json_init(&j, source);
    json_read_str(&j, &c->arena, ret);
    return json_finish(&j, err) < 0 ? keeper_misread(err) : 0;
}

/* --- Files --------------------------------------------------------------------------- */

static int read_stdin(struct buf *out, struct err *err)
{
    char chunk[8192];
    size_t got;

    while ((got = fread(chunk, 1, sizeof(chunk), stdin)) > 0) {
        if (!buf_add(out, chunk, got))
            return err_set(err, ERR_LIMIT, "standard input is longer than %zu bytes", out->max);
    }
    return ferror(stdin) ? err_sys(err, "standard input cannot be read") : 0;
}

int policy_read_all(const char *path, struct buf *out, struct err *err)
{
    return strcmp(path, "-") == 0 ? read_stdin(out, err) : file_read(path, out, err);
}

/* JSON carries text: what is none would reach the queen as another text. */
static int check_text(const char *path, struct str text, struct err *err)
{
    size_t n = 1;
    unsigned line = 1;

    for (size_t i = 0; i < text.len; i += n) {
        n = utf8_sequence(text.p + i, text.len - i);
        if (n == 0)
            return err_set(err, ERR_UPSTREAM, "%s:%u: is not text: write it in UTF-8", path, line);
        line += text.p[i] == '\n';
    }
    return 0;
}

static int find_language(const struct policy_work *c, const char *path, enum script_language *ret,
                         struct err *err)
{
    if (c->options->language > 0)
        *ret = (enum script_language)(c->options->language - 1);
    else if (!script_language_of_file(str_of(path), ret))
        return err_set(err, ERR_MISSING,
                       "%s: its name tells no language; add --language lua, yaml or rhai", path);
    return 0;
}

int policy_file_read(const struct policy_work *c, const char *path, struct policy_file *ret,
                     struct err *err)
{
    struct policy_file f = { .path = path };

    buf_init(&f.text, POLICY_FILE_BYTES_MAX);
    int rc = find_language(c, path, &f.language, err);
    if (rc == 0)
        rc = policy_read_all(path, &f.text, err);
    if (rc == 0)
        rc = check_text(path, buf_str(&f.text), err);
    if (rc < 0)
        policy_file_deinit(&f);
    else
        *ret = f;
    return rc;
}

void policy_file_deinit(struct policy_file *f)
{
    buf_deinit(&f->text);
}

bool policy_is_file(const char *operand)
{
    enum script_language language;

    return strchr(operand, '/') || script_language_of_file(str_of(operand), &language);
}
