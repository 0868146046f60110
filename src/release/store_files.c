#include "release/store_files.h"

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/parse.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

enum { DESCRIPTION_BYTES_MAX = 16 * 1024, FILE_MODE = 0600 };

static const char CHOICE[] = "active.json";

/* --- Names ---------------------------------------------------------------------- */

bool store_file_has_number(const char *name, uint32_t *ret_version)
{
    const char *dot = strchr(name, '.');
    uint64_t number;

    if (!dot || name[0] == '0' ||
        !parse_u64_str((struct str){ name, (size_t)(dot - name) }, &number) || number > UINT32_MAX)
        return false;
    *ret_version = (uint32_t)number;
    return true;
}

bool store_file_is_version(const char *name, uint32_t *ret_version)
{
    return store_file_has_number(name, ret_version) && strcmp(strchr(name, '.'), ".json") == 0;
}

static int path_of(const char *dir, const char *name, uint32_t version, const char *ending,
                   char ret[PATH_MAX], struct err *err)
{
    int len = snprintf(ret, PATH_MAX, "%s/%s/%u.%s", dir, name, version, ending);

    if (len < 0 || len >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path of '%s' is too long", name);
    return 0;
}

static int text_path(const char *dir, const struct policy_version *v, char ret[PATH_MAX],
                     struct err *err)
{
    return path_of(dir, v->name, v->version, script_language_name(v->language), ret, err);
}

/* --- Texts ---------------------------------------------------------------------- */

int store_version_source(const char *dir, const struct policy_version *v, struct buf *ret,
                         struct err *err)
{
    char path[PATH_MAX], hash[SHA256_HEX_SIZE];
    size_t before = buf_len(ret);

    if (text_path(dir, v, path, err) < 0 || file_read(path, ret, err) < 0)
        return err->code;
    struct str all = buf_str(ret);
    crypto_sha256_hex((struct str){ all.p + before, all.len - before }, hash);
    if (strcmp(hash, v->hash) != 0)
        return err_set(err, ERR_INVALID, "'%s' is not the text that was deployed", path);
    return 0;
}

/* --- What describes them -------------------------------------------------------- */

static void write_description(struct buf *out, const struct policy_version *v)
{
    struct json_out o;

    json_out_init(&o, out);
    json_begin(&o, NULL, '{');
    json_str(&o, "hash", v->hash);
    json_str(&o, "language", script_language_name(v->language));
    json_str(&o, "message", v->message);
    json_uint(&o, "created_ms", v->created_ms);
    json_uint(&o, "bytes", v->bytes);
    json_begin(&o, "header", '{');
    json_str(&o, "name", v->header.name);
    json_str(&o, "version", v->header.version);
    json_str(&o, "description", v->header.description);
    json_end(&o);
    json_end(&o);
    buf_putc(out, '\n');
}

static void read_header(struct json *j, struct script_header *ret)
{
    json_object(j)
    {
        if (json_key(j, "name"))
            json_read_text(j, ret->name, sizeof(ret->name));
        else if (json_key(j, "version"))
            json_read_text(j, ret->version, sizeof(ret->version));
        else if (json_key(j, "description"))
            json_read_text(j, ret->description, sizeof(ret->description));
        else
            json_skip(j);
    }
}

static void read_language(struct json *j, enum script_language *ret)
{
    char name[16] = "";

    json_read_text(j, name, sizeof(name));
    if (!script_language_parse(str_of(name), ret))
        json_fail(j, "must be lua, yaml or rhai");
}

static int read_description(struct str text, struct policy_version *ret, struct err *err)
{
    int64_t created_ms = 0;
    struct json j;

    json_init(&j, text);
    json_object(&j)
    {
        if (json_key(&j, "hash"))
            json_read_text(&j, ret->hash, sizeof(ret->hash));
        else if (json_key(&j, "language"))
            read_language(&j, &ret->language);
        else if (json_key(&j, "message"))
            json_read_text(&j, ret->message, sizeof(ret->message));
        else if (json_key(&j, "created_ms"))
            json_read_i64_in(&j, 0, INT64_MAX, &created_ms);
        else if (json_key(&j, "header"))
            read_header(&j, &ret->header);
        else
            json_skip(&j);
    }
    ret->created_ms = (uint64_t)created_ms;
    return json_finish(&j, err);
}

int store_version_read(const char *dir, const char *name, uint32_t version,
                       struct policy_version *ret, struct err *err)
{
    struct policy_version v = { .version = version };
    AUTO(buf_deinit) struct buf text;
    char path[PATH_MAX];

    buf_init(&text, STORE_SOURCE_BYTES_MAX);
    (void)str_copy(v.name, sizeof(v.name), str_of(name));
    if (path_of(dir, name, version, "json", path, err) < 0 || file_read(path, &text, err) < 0)
        return err->code;
    if (read_description(buf_str(&text), &v, err) < 0)
        return err_wrap(err, "'%s'", path);
    buf_clear(&text);
    if (store_version_source(dir, &v, &text, err) < 0)
        return err->code;
    v.bytes = buf_len(&text);
    *ret = v;
    return 0;
}

int store_version_write(const char *dir, const struct policy_version *v, struct str source,
                        struct err *err)
{
    char text[PATH_MAX], path[PATH_MAX];
    AUTO(buf_deinit) struct buf description;

    buf_init(&description, DESCRIPTION_BYTES_MAX);
    write_description(&description, v);
    if (text_path(dir, v, text, err) < 0 ||
        path_of(dir, v->name, v->version, "json", path, err) < 0 ||
        file_write_atomic(text, source, FILE_MODE, err) < 0)
        return err->code;
    if (file_write_atomic(path, buf_str(&description), FILE_MODE, err) < 0) {
        (void)unlink(text);
        return err->code;
    }
    return 0;
}

static int remove_file(const char *path, struct err *err)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : err_sys(err, "cannot remove '%s'", path);
}

/* In the other order than they are written. */
int store_version_remove(const char *dir, const struct policy_version *v, struct err *err)
{
    char path[PATH_MAX];

    if (path_of(dir, v->name, v->version, "json", path, err) < 0 || remove_file(path, err) < 0 ||
        text_path(dir, v, path, err) < 0)
        return err->code;
    return remove_file(path, err);
}

void store_name_remove(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (len > 0 && (size_t)len < sizeof(path))
        (void)rmdir(path);
}

/* --- The choice ----------------------------------------------------------------- */

static int choice_path(const char *dir, char ret[PATH_MAX], struct err *err)
{
    int len = snprintf(ret, PATH_MAX, "%s/%s", dir, CHOICE);

    if (len < 0 || len >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%s' is too long", dir);
    return 0;
}

int store_choice_write(const char *dir, const char *name, uint32_t version, struct err *err)
{
    char path[PATH_MAX];
    AUTO(buf_deinit) struct buf text;
    struct json_out o;

    buf_init(&text, DESCRIPTION_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    json_str(&o, "name", name);
    json_uint(&o, "version", version);
    json_end(&o);
    buf_putc(&text, '\n');
    if (choice_path(dir, path, err) < 0)
        return err->code;
    return file_write_atomic(path, buf_str(&text), FILE_MODE, err);
}

static int read_choice(struct str text, char ret_name[SCRIPT_NAME_SIZE], uint32_t *ret_version,
                       struct err *err)
{
    int64_t version = 0;
    struct json j;

    ret_name[0] = '\0';
    json_init(&j, text);
    json_object(&j)
    {
        if (json_key(&j, "name") && json_peek(&j) == JSON_STRING)
            json_read_text(&j, ret_name, SCRIPT_NAME_SIZE);
        else if (json_key(&j, "version"))
            json_read_i64_in(&j, 0, UINT32_MAX, &version);
        else
            json_skip(&j);
    }
    *ret_version = (uint32_t)version;
    return json_finish(&j, err);
}

int store_choice_read(const char *dir, char ret_name[SCRIPT_NAME_SIZE], uint32_t *ret_version,
                      struct err *err)
{
    char path[PATH_MAX];
    AUTO(buf_deinit) struct buf text;

    buf_init(&text, DESCRIPTION_BYTES_MAX);
    if (choice_path(dir, path, err) < 0)
        return err->code;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "nobody has chosen a policy");
    if (file_read(path, &text, err) < 0)
        return err->code;
    if (read_choice(buf_str(&text), ret_name, ret_version, err) < 0)
        return err_wrap(err, "'%s'", path);
    return 0;
}
