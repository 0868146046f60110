#include "api/messages.h"

#include "base/json.h"

static void check_part(struct json *j)
{
    char type[32] = "";
    bool has_text = false;

    json_object(j)
    {
        if (json_key(j, "type"))
            json_read_text(j, type, sizeof(type));
        else if (json_key(j, "text") && json_peek(j) == JSON_STRING)
            has_text = true;
    }
    if (!j->failed && (strcmp(type, "text") != 0 || !has_text))
        json_fail(j, "must be text or an array of {\"type\":\"text\",\"text\"}");
}

static void check_content(struct json *j)
{
    if (json_peek(j) == JSON_STRING) {
        json_skip(j);
        return;
    }
    json_array(j)
    {
        check_part(j);
    }
}

static void check_role(struct json *j)
{
    static const char *const roles[] = { "system", "user", "assistant", "tool" };
    char role[32] = "";

    json_read_text(j, role, sizeof(role));
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(role, roles[i]) == 0)
            return;
    json_fail(j, "must be system, user, assistant or tool");
}

static void check_message(struct json *j)
{
    bool has_role = false, has_content = false;

    json_object(j)
    {
        if (json_key(j, "role")) {
            has_role = true;
            check_role(j);
        } else if (json_key(j, "content")) {
            has_content = true;
            check_content(j);
        }
    }
    if (!has_role || !has_content)
        json_fail(j, "must be an object with a role and a content");
}

int messages_check(struct str raw, struct err *err)
{
    struct json j;

    json_init(&j, raw);
    json_array(&j)
    {
        check_message(&j);
    }
    return json_finish(&j, err);
}
