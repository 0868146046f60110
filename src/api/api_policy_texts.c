/* Texts for authors: the platform policy, templates, the rules' schema, what can be named. */
#include "api/handlers.h"

#include "api/policy_query.h"
#include "api/policy_reply.h"
#include "api/policy_texts.h"

enum { TEMPLATE_NAME_SIZE = 128 };

/* How the comment lines begin that describe a text of each language. */
static const char *const marks[SCRIPT_LANGUAGE_COUNT_] = {
    [SCRIPT_LUA] = "--",
    [SCRIPT_YAML] = "#",
    [SCRIPT_RHAI] = "//",
};

static bool is_asked_for_nothing(struct http_request *req)
{
    static const char *const known[] = { NULL };
    struct err err;

    if (policy_query_check(req, known, &err) == 0)
        return true;
    http_reply_error(req, &err);
    return false;
}

static void reply_text(struct http_request *req, const char *type, const char *text, size_t len)
{
    if (is_asked_for_nothing(req))
        http_reply(req, 200, type, (struct str){ text, len });
}

void api_policy_platform_source(struct http_request *req)
{
    reply_text(req, "text/x-lua", platform_source, platform_source_len);
}

void api_policy_schema(struct http_request *req)
{
    reply_text(req, "application/json", rules_schema, rules_schema_len);
}

void api_policy_api(struct http_request *req)
{
    reply_text(req, "application/json", policy_api_json, policy_api_json_len);
}

/* --- Templates ------------------------------------------------------------------ */

static void write_members(struct json_out *out, const struct embedded_text *t)
{
    enum script_language language = SCRIPT_LUA;
    struct script_header header;

    (void)script_language_of_file(str_of(t->name), &language);
    script_header_read((struct str){ t->text, t->len }, marks[language], &header);
    json_str(out, "name", t->name);
    json_str(out, "language", script_language_name(language));
    json_str(out, "title", header.name);
    json_str(out, "version", header.version);
    json_str(out, "description", header.description);
    json_uint(out, "bytes", t->len);
}

static void write_list(const void *data, struct json_out *out)
{
    enum script_language language;

    json_begin(out, "templates", '[');
    for (const struct embedded_text *t = data; t->name; t++) {
        if (!script_language_of_file(str_of(t->name), &language))
            continue; /* what stands beside them: words, example jobs */
        json_begin(out, NULL, '{');
        write_members(out, t);
        json_end(out);
    }
    json_end(out);
}

static void write_one(const void *data, struct json_out *out)
{
    const struct embedded_text *t = data;

    write_members(out, t);
    json_strn(out, "source", (struct str){ t->text, t->len });
}

void api_policy_templates(struct http_request *req)
{
    if (is_asked_for_nothing(req))
        policy_reply_with(req, NULL, write_list, policy_templates);
}

/* By its file's name, or that without the ending. */
static const struct embedded_text *find(const char *name)
{
    size_t len = strlen(name);
    enum script_language language;

    for (const struct embedded_text *t = policy_templates; t->name; t++) {
        if (script_language_of_file(str_of(t->name), &language) &&
            strncmp(t->name, name, len) == 0 && (t->name[len] == '\0' || t->name[len] == '.'))
            return t;
    }
    return NULL;
}

void api_policy_template(struct http_request *req)
{
    char name[TEMPLATE_NAME_SIZE];
    struct err err;

    if (!is_asked_for_nothing(req))
        return;
    const struct embedded_text *t =
        http_request_param_text(req, 0, name, sizeof(name)) && name[0] ? find(name) : NULL;
    if (t) {
        policy_reply_with(req, NULL, write_one, t);
        return;
    }
    (void)err_param(&err, ERR_NOT_FOUND, "name",
                    "there is no template of that name; GET /v2/admin/scheduler/templates has "
                    "them all");
    http_reply_error(req, &err);
}
