#include "base/json_texts.h"

#include "base/json.h"

static void read_member(struct json *j, const struct json_text *members, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!json_key(j, members[i].name))
            continue;
        if (!json_read_null(j))
            json_read_text(j, members[i].dst, members[i].size);
        return;
    }
    json_skip(j);
}

int json_texts_read(struct str text, const struct json_text *members, size_t len, struct err *err)
{
    struct json j;

    json_init(&j, text);
    json_object(&j)
    {
        read_member(&j, members, len);
    }
    return json_finish(&j, err);
}

int json_raw_member(struct str text, const char *name, struct str *ret, struct err *err)
{
    struct json j;

    *ret = (struct str){ 0 };
    json_init(&j, text);
    json_object(&j)
    {
        if (json_key(&j, name))
            json_read_raw(&j, ret);
        else
            json_skip(&j);
    }
    return json_finish(&j, err);
}
