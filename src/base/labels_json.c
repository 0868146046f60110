#include "base/labels_json.h"

void labels_read(struct json *j, struct labels *ret)
{
    char key[LABEL_KEY_MAX + 1], value[LABEL_VALUE_MAX + 1];
    struct err err;

    json_object(j)
    {
        if (!json_key_copy(j, key, sizeof(key)))
            continue;
        json_read_text(j, value, sizeof(value));
        if (!j->failed && labels_set(ret, str_of(key), str_of(value), &err) < 0)
            json_fail(j, "%s", err.msg);
    }
}

void labels_write(struct json_out *o, const struct labels *labels)
{
    const char *key, *value;

    json_begin(o, "labels", '{');
    for (size_t i = 0; i < labels->count; i++) {
        labels_at(labels, i, &key, &value);
        json_str(o, key, value);
    }
    json_end(o);
}
