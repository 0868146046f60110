#include "proxy/refusal.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/utf8.h"

static void read_text(struct json *j, struct arena *arena, struct str *ret)
{
    if (json_peek(j) == JSON_STRING)
        json_read_str(j, arena, ret);
    else
        json_skip(j);
}

static bool is_too_long(struct str word)
{
    return str_eq(word, "context_length_exceeded") || str_eq(word, "exceed_context_size_error");
}

/* `{"message","type","code"}`; code is a string or, at some engines, a number. */
static void read_error_object(struct json *j, struct arena *arena, struct refusal *ret,
                              struct str *ret_message)
{
    struct str word = { 0 };

    json_object(j)
    {
        if (json_key(j, "message"))
            read_text(j, arena, ret_message);
        else if (json_key(j, "type") || json_key(j, "code"))
            read_text(j, arena, &word);
        else
            json_skip(j);
        ret->is_too_long = ret->is_too_long || is_too_long(word);
    }
    ret->is_openai = ret_message->p != NULL;
}

static void read_body(struct json *j, struct arena *arena, struct refusal *ret,
                      struct str *ret_message)
{
    struct str plain = { 0 };

    json_object(j)
    {
        if (json_key(j, "error") && json_peek(j) == JSON_OBJECT)
            read_error_object(j, arena, ret, ret_message);
        else if (json_key(j, "error") || json_key(j, "message") || json_key(j, "detail"))
            read_text(j, arena, &plain);
        else
            json_skip(j);
    }
    if (!ret_message->p)
        *ret_message = plain;
}

/* One line of printable text, cut between characters. */
static void write_line(char *dst, size_t size, struct str text)
{
    size_t len = 0;

    for (size_t at = 0; at < text.len;) {
        size_t n = utf8_sequence(text.p + at, text.len - at);
        bool is_plain = n > 0 && (unsigned char)text.p[at] >= ' ' && text.p[at] != 0x7f;

        if (len + (n ? n : 1) >= size)
            break;
        if (is_plain)
            memcpy(dst + len, text.p + at, n);
        else
            dst[len] = ' ';
        len += is_plain ? n : 1;
        at += n ? n : 1;
    }
    dst[len] = '\0';
    struct str line = str_trim((struct str){ dst, len });
    memmove(dst, line.p, line.len);
    dst[line.len] = '\0';
}

void refusal_read(struct str body, struct refusal *ret)
{
    struct arena arena;
    struct json j;
    struct err err;
    struct str message = { 0 };

    *ret = (struct refusal){ 0 };
    arena_init(&arena, REFUSAL_BODY_BYTES_MAX);
    json_init(&j, body);
    read_body(&j, &arena, ret, &message);
    if (json_finish(&j, &err) < 0) {
        *ret = (struct refusal){ 0 };
        message = body;
    }
    write_line(ret->message, sizeof(ret->message), message);
    arena_deinit(&arena);
}

bool refusal_is_final(unsigned status)
{
    static const unsigned between_us[] = { 401, 403, 407, 408, 425, 429 };

    for (size_t i = 0; i < sizeof(between_us) / sizeof(between_us[0]); i++) {
        if (status == between_us[i])
            return false;
    }
    return status >= 400 && status < 500;
}
