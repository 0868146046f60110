#include "keeper/answer.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int answer_check(struct str json, struct err *err)
{
    struct json j;

    json_init(&j, json);
    json_object(&j)
    {
        json_skip(&j);
    }
    return json_finish(&j, err);
}

static struct str member(struct str json, struct str name)
{
    struct str found = { 0 };
    struct json j;

    json_init(&j, json);
    if (json_peek(&j) != JSON_OBJECT)
        return found;
    json_object(&j)
    {
        if (json_key_str(&j, name))
            json_read_raw(&j, &found);
        else
            json_skip(&j);
    }
    return found;
}

struct str answer_raw(struct str json, const char *path)
{
    while (json.p) {
        size_t len = strcspn(path, ".");
        json = member(json, (struct str){ path, len });
        if (path[len] == '\0')
            break;
        path += len + 1;
    }
    return str_eq(json, "null") ? (struct str){ 0 } : json;
}

const char *answer_text(struct arena *arena, struct str json, const char *path)
{
    struct str raw = answer_raw(json, path);
    struct json j;

    json_init(&j, raw);
    if (json_peek(&j) == JSON_STRING)
        json_read_str(&j, arena, &raw);
    const char *text = raw.p ? arena_copy(arena, raw) : NULL;
    return text ? text : "";
}

uint64_t answer_uint(struct str json, const char *path)
{
    int64_t value = 0;
    struct json j;

    json_init(&j, answer_raw(json, path));
    json_read_i64_in(&j, 0, INT64_MAX, &value);
    return (uint64_t)value;
}

bool answer_is(struct str json, const char *path)
{
    return str_eq(answer_raw(json, path), "true");
}

struct answer_list answer_list(struct str array)
{
    struct answer_list list = { 0 };

    json_init(&list.json, array);
    return list;
}

bool answer_next(struct answer_list *list, struct str *ret)
{
    bool more = list->has_begun
                    ? json_array_next(&list->json)
                    : json_peek(&list->json) == JSON_ARRAY && json_array_begin(&list->json);

    list->has_begun = true;
    if (more)
        json_read_raw(&list->json, ret);
    return more && !list->json.failed;
}

void answer_time(struct str json, const char *path, char ret[ANSWER_TIME_SIZE])
{
    char text[CLOCK_RFC3339_SIZE] = "";
    uint64_t wall_ms = 0;
    struct err ignored;
    struct tm tm;
    struct json j;

    ret[0] = '\0';
    json_init(&j, answer_raw(json, path));
    json_read_text(&j, text, sizeof(text));
    if (clock_parse_rfc3339(str_of(text), &wall_ms, &ignored) < 0)
        return;
    time_t seconds = (time_t)(wall_ms / 1000);
    size_t len =
        localtime_r(&seconds, &tm) ? strftime(ret, ANSWER_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) : 0;
    (void)snprintf(ret + len, ANSWER_TIME_SIZE - len, ".%03u", (unsigned)(wall_ms % 1000));
}
