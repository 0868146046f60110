#include "http/server_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <assert.h>

/* --- Life ---------------------------------------------------------------- */

/* A view of the read buffer, as a view of the kept copy. One of a constant ("/" for
 * an absolute-form target without a path) stays. */
static struct str kept(struct str view, struct str bytes, const char *text)
{
    if (view.p >= bytes.p && view.p < bytes.p + bytes.len)
        view.p = text + (view.p - bytes.p);
    return view;
}

static_assert(HTTP1_HEAD_BYTES_MAX <= UINT16_MAX + 1, "a field_place holds 16 bits");

static void keep_head(struct http_request *r, const struct http1_head *head, struct str bytes)
{
    size_t places_size = head->fields_len * sizeof(*r->fields);
    char *text;

    r->fields = mem_resize(NULL, places_size + bytes.len);
    text = (char *)r->fields + places_size;
    memcpy(text, bytes.p, bytes.len);
    r->text = text;
    r->fields_len = head->fields_len;
    for (size_t i = 0; i < head->fields_len; i++) {
        const struct http1_field *f = &head->fields[i];
        r->fields[i] = (struct field_place){
            .name = (uint16_t)(f->name.p - bytes.p),
            .name_len = (uint16_t)f->name.len,
            .value = f->value.p ? (uint16_t)(f->value.p - bytes.p) : 0,
            .value_len = (uint16_t)f->value.len,
        };
    }
}

static void split_target(struct http_request *r, struct str target)
{
    const char *mark = memchr(target.p, '?', target.len);

    r->path = target;
    if (!mark)
        return;
    r->path.len = (size_t)(mark - target.p);
    r->query = (struct str){ mark + 1, target.len - r->path.len - 1 };
}

static bool is_id(struct str s)
{
    if (s.len == 0 || s.len >= REQUEST_ID_SIZE)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-')
            return false;
    }
    return true;
}

static void choose_id(struct http_request *r)
{
    static const char *const names[] = { "x-request-id", "x-correlation-id" };
    static_assert((int)UUID_SIZE <= (int)REQUEST_ID_SIZE, "an id of ours must fit");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct str given = http_request_header(r, names[i]);
        if (is_id(given)) {
            (void)str_copy(r->id, sizeof(r->id), given);
            return;
        }
    }
    random_uuid4(r->id);
}

struct http_request *request_new(struct connection *c, const struct http1_head *head,
                                 struct str head_bytes)
{
    struct http_request *r = mem_alloc(1, sizeof(*r));

    r->connection = c;
    r->minor = 1;
    r->began_us = clock_mono_us();
    buf_init(&r->headers, ANSWER_HEAD_BYTES_MAX / 2);
    buf_init(&r->pending, ANSWER_HEAD_BYTES_MAX);
    if (head) {
        keep_head(r, head, head_bytes);
        r->method = kept(head->method, head_bytes, r->text);
        r->authority = kept(head->authority, head_bytes, r->text);
        split_target(r, kept(head->target, head_bytes, r->text));
        r->minor = head->minor;
        r->keep_alive = head->keep_alive;
        r->is_head = str_eq(r->method, "HEAD");
        r->content_length = head->framing == HTTP1_LENGTH ? head->content_length : 0;
        http1_body_init(&r->framing, head);
    }
    choose_id(r);
    return r;
}

void request_drop_body(struct http_request *r)
{
    r->connection->server->stats.bodies_bytes -= r->body_cap;
    free(TAKE(r->body));
    r->body_len = r->body_cap = 0;
}

void http_request_release(struct http_request *r)
{
    static const struct str none;

    request_drop_body(r);
    free(TAKE(r->fields));
    r->fields_len = 0;
    r->text = NULL;
    r->method = r->path = r->query = r->authority = none;
    memset(r->params, 0, sizeof(r->params));
}

void request_free(struct http_request *r)
{
    if (r->is_running) {
        r->connection->server->stats.exchanges--;
        server_log_exchange(r->connection->server, r);
    }
    http_request_release(r);
    buf_deinit(&r->headers);
    buf_deinit(&r->pending);
    free(r);
}

/* --- Reading it ---------------------------------------------------------- */

void *http_request_app(const struct http_request *r)
{
    return r->connection->server->app;
}

struct loop *http_request_loop(const struct http_request *r)
{
    return r->connection->server->loop;
}

struct str http_request_method(const struct http_request *r)
{
    return r->method;
}

struct str http_request_path(const struct http_request *r)
{
    return r->path;
}

struct str http_request_query(const struct http_request *r)
{
    return r->query;
}

struct str http_request_param(const struct http_request *r, size_t index)
{
    assert(index < ROUTE_PARAMS_MAX);
    return r->params[index];
}

static struct str field_name(const struct http_request *r, size_t i)
{
    return (struct str){ r->text + r->fields[i].name, r->fields[i].name_len };
}

static struct str field_value(const struct http_request *r, size_t i)
{
    return (struct str){ r->text + r->fields[i].value, r->fields[i].value_len };
}

struct str http_request_header(const struct http_request *r, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < r->fields_len; i++)
        if (r->fields[i].name_len == len && strncasecmp(field_name(r, i).p, name, len) == 0)
            return field_value(r, i);
    return (struct str){ 0 };
}

void http_request_headers_each(const struct http_request *r, const char *prefix,
                               void (*visit)(void *data, struct str name, struct str value),
                               void *data)
{
    size_t len = strlen(prefix);

    for (size_t i = 0; i < r->fields_len; i++) {
        struct str name = field_name(r, i);
        if (name.len >= len && strncasecmp(name.p, prefix, len) == 0)
            visit(data, name, field_value(r, i));
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* In a query "a%20b+c" is "a b c", in a path the plus stays one. False for a broken
 * escape, a NUL, or when it does not fit. */
static bool percent_decode(struct str s, char plus, char *dst, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++, len++) {
        int c = (unsigned char)(s.p[i] == '+' ? plus : s.p[i]);
        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
            c = low >= 0 ? high << 4 | low : 0;
            i += 2;
        }
        if (c == 0 || len + 1 >= size)
            return false;
        dst[len] = (char)c;
    }
    dst[len] = '\0';
    return true;
}

bool http_request_param_text(const struct http_request *r, size_t index, char *dst, size_t size)
{
    return percent_decode(http_request_param(r, index), '+', dst, size);
}

bool http_request_query_param(const struct http_request *r, const char *name, char *dst,
                              size_t size)
{
    struct str rest = r->query;

    assert(size > 0);
    while (rest.len > 0) {
        const char *end = memchr(rest.p, '&', rest.len);
        struct str pair = { rest.p, end ? (size_t)(end - rest.p) : rest.len };
        const char *equals = memchr(pair.p, '=', pair.len);
        struct str key = { pair.p, equals ? (size_t)(equals - pair.p) : pair.len };
        size_t used = key.len + (equals ? 1 : 0);

        if (str_eq(key, name))
            return percent_decode((struct str){ pair.p + used, pair.len - used }, ' ', dst, size);
        used = pair.len + (end ? 1 : 0);
        rest = (struct str){ rest.p + used, rest.len - used };
    }
    return false;
}

struct str http_request_body(const struct http_request *r)
{
    return (struct str){ r->body, r->body_len };
}

char *http_request_take_body(struct http_request *r, size_t *ret_len)
{
    char *body = TAKE(r->body);

    *ret_len = r->body_len;
    request_drop_body(r);
    return body;
}

const char *http_request_id(const struct http_request *r)
{
    return r->id;
}

void http_request_peer(const struct http_request *r, struct endpoint *ret)
{
    *ret = (struct endpoint){ 0 };
    if (r->connection->stream)
        stream_peer(r->connection->stream, ret);
}

uint64_t http_request_began_us(const struct http_request *r)
{
    return r->began_us;
}

struct guard_facts request_facts(const struct http_request *r)
{
    return (struct guard_facts){
        .method = r->method,
        .host = r->authority,
        .origin = http_request_header(r, "origin"),
        .content_type = http_request_header(r, "content-type"),
        .authorization = http_request_header(r, "authorization"),
        .api_key = http_request_header(r, "x-api-key"),
        .has_body = r->framing.framing != HTTP1_NO_BODY && !r->framing.done,
        .is_same_user = r->connection->is_same_user,
    };
}

int http_request_check_role(const struct http_request *r, enum route_role role, struct err *err)
{
    struct guard_facts facts = request_facts(r);

    return guard_check_role(r->connection->server->options.guard, role, &facts, err);
}

void http_request_watch(struct http_request *r, const struct http_watch *watch, void *data)
{
    r->watch = *watch;
    r->watch_data = data;
}
