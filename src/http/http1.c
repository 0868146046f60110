#include "http/http1.h"

#include "base/parse.h"

#include <llhttp.h>

/* What the fields said, before it is judged as a whole. */
struct facts {
    struct http1_head *head;
    size_t lines; /* field lines seen by find_end() */
    unsigned lengths, codings, hosts;
    bool close, keep_alive;
    struct str host;
    struct err *err;
};

/* --- The lines ---------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int check_line(struct str line, bool is_first, struct err *err)
{
    if (line.len == 0 && is_first)
        return err_set(err, ERR_INVALID, "the message begins with an empty line");
    if (line.len > 0 && is_blank(line.p[0]))
        return err_set(err, ERR_INVALID, "a line of the head begins with a blank (obsolete fold)");
    if (memchr(line.p, '\0', line.len))
        return err_set(err, ERR_INVALID, "the head holds a NUL byte");
    return 0;
}

/*
 * Find the empty line that ends a head which begins at `from`: 0 while it is not
 * there yet. Line ends are CR LF and nothing else, which llhttp takes less
 * strictly; the first line is checked as soon as it is whole.
 */
static ssize_t find_end(struct str bytes, size_t from, size_t *ret_lines, struct err *err)
{
    size_t at = from, lines = 0;
    size_t limit =
        bytes.len - from > HTTP1_HEAD_BYTES_MAX ? from + HTTP1_HEAD_BYTES_MAX : bytes.len;

    for (const char *lf; (lf = memchr(bytes.p + at, '\n', limit - at)) != NULL; lines++) {
        size_t len = (size_t)(lf - bytes.p) - at;
        const char *cr = memchr(bytes.p + at, '\r', len);
        struct str line = { bytes.p + at, len ? len - 1 : 0 };

        if (!cr || cr + 1 != lf)
            return err_set(err, ERR_INVALID, "a line of the head does not end in CR LF");
        int rc = check_line(line, lines == 0, err);
        if (rc < 0)
            return rc;
        at += len + 1;
        if (line.len == 0) {
            *ret_lines = lines - 1;
            return (ssize_t)at;
        }
        if (lines > HTTP1_FIELDS_MAX)
            return err_set(err, ERR_HEADERS_TOO_LARGE, "the head has more than %d fields",
                           HTTP1_FIELDS_MAX);
    }
    if (bytes.len - from >= HTTP1_HEAD_BYTES_MAX)
        return err_set(err, ERR_HEADERS_TOO_LARGE, "the head is larger than %d bytes",
                       HTTP1_HEAD_BYTES_MAX);
    if (memchr(bytes.p + at, '\0', bytes.len - at))
        return err_set(err, ERR_INVALID, "the head holds a NUL byte");
    return 0;
}

/* RFC 9112, 2.2: one empty line before a request is ignored. */
static size_t skip_empty_line(struct str bytes)
{
    return str_starts(bytes, "\r\n") ? 2 : 0;
}

static struct str first_line(struct str bytes)
{
    const char *cr = memchr(bytes.p, '\r', bytes.len);

    return (struct str){ bytes.p, cr ? (size_t)(cr - bytes.p) : bytes.len };
}

static int parse_version(struct str version, uint8_t *ret_minor, struct err *err)
{
    if (str_eq(version, "HTTP/1.1") || str_eq(version, "HTTP/1.0")) {
        *ret_minor = (uint8_t)(version.p[7] - '0');
        return 0;
    }
    if (version.len == 8 && str_starts(version, "HTTP/") && version.p[6] == '.')
        return err_set(err, ERR_HTTP_VERSION, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return err_set(err, ERR_INVALID, "the first line is not one of HTTP/1.1");
}

/* --- The target --------------------------------------------------------- */

static bool is_host_text(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.p[i];
        bool is_name = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_name && !strchr(".-_:[]%~", c))
            return false;
    }
    return true;
}

/* http://host[:port]/path is the path, and the host goes before Host (RFC 9112, 3.2.2). */
static int reduce_absolute_form(struct http1_head *head, struct err *err)
{
    size_t scheme = strlen("http://");
    struct str rest = { head->target.p + scheme, head->target.len - scheme };
    const char *slash = memchr(rest.p, '/', rest.len);
    size_t host_len = slash ? (size_t)(slash - rest.p) : rest.len;

    head->authority = (struct str){ rest.p, host_len };
    head->target = slash ? (struct str){ slash, rest.len - host_len } : str_of("/");
    if (host_len == 0 || !is_host_text(head->authority))
        return err_set(err, ERR_INVALID, "the host in the target is malformed");
    return 0;
}

static int check_target(struct http1_head *head, struct err *err)
{
    struct str target = head->target;

    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return err_set(err, ERR_INVALID, "the target holds the byte 0x%02x: percent-encode it",
                           c);
    }
    if (target.len >= 7 && strncasecmp(target.p, "http://", 7) == 0)
        return reduce_absolute_form(head, err);
    if (target.len > 0 && target.p[0] == '/')
        return 0;
    if (str_eq(target, "*") && str_eq(head->method, "OPTIONS"))
        return 0;
    return err_set(err, ERR_INVALID, "the target of a request must begin with '/'");
}

/* Method, target and version with exactly one space between. llhttp would skip
 * more spaces, and takes HTTP/2.0 and HTTP/0.9 for versions. */
static int parse_request_line(struct str line, struct http1_head *head, struct err *err)
{
    const char *end = line.p + line.len;
    const char *space = memchr(line.p, ' ', line.len);
    const char *second = space ? memchr(space + 1, ' ', (size_t)(end - space - 1)) : NULL;

    if (!second || second == space + 1 || memchr(second + 1, ' ', (size_t)(end - second - 1)))
        return err_set(err, ERR_INVALID,
                       "the request line must be METHOD, target and version, one space between");
    head->method = (struct str){ line.p, (size_t)(space - line.p) };
    head->target = (struct str){ space + 1, (size_t)(second - space - 1) };
    int rc =
        parse_version((struct str){ second + 1, (size_t)(end - second - 1) }, &head->minor, err);
    return rc < 0 ? rc : check_target(head, err);
}

static int parse_status_line(struct str line, struct http1_head *head, struct err *err)
{
    uint64_t status = 0;
    int rc = parse_version((struct str){ line.p, line.len < 8 ? line.len : 8 }, &head->minor, err);

    if (rc < 0)
        return rc;
    if (line.len < 12 || line.p[8] != ' ' || (line.len > 12 && line.p[12] != ' ') ||
        !parse_u64_str((struct str){ line.p + 9, 3 }, &status) || status < 100 || status > 599)
        return err_set(err, ERR_INVALID, "the status line has no status from 100 to 599");
    head->status = (unsigned)status;
    return 0;
}

/* --- The fields --------------------------------------------------------- */

static int on_host(struct facts *f, struct str value)
{
    if (++f->hosts > 1)
        return err_set(f->err, ERR_INVALID, "the request has more than one Host");
    if (!is_host_text(value))
        return err_set(f->err, ERR_INVALID, "the Host header is malformed");
    f->host = value;
    return 0;
}

static int on_content_length(struct facts *f, struct str value)
{
    if (++f->lengths > 1)
        return err_set(f->err, ERR_INVALID, "the message has more than one Content-Length");
    if (value.len == 0 || value.p[0] < '0' || value.p[0] > '9' ||
        !parse_u64_str(value, &f->head->content_length))
        return err_set(f->err, ERR_INVALID, "Content-Length must be a decimal number");
    return 0;
}

static int on_transfer_encoding(struct facts *f, struct str value)
{
    if (++f->codings > 1 || !str_ieq(value, "chunked"))
        return err_set(f->err, ERR_INVALID, "Transfer-Encoding must be 'chunked', once");
    return 0;
}

static int on_connection(struct facts *f, struct str value)
{
    while (value.len > 0) {
        const char *comma = memchr(value.p, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.p) : value.len;
        struct str token = str_trim((struct str){ value.p, len });

        f->close |= str_ieq(token, "close");
        f->keep_alive |= str_ieq(token, "keep-alive");
        len += comma ? 1 : 0;
        value = (struct str){ value.p + len, value.len - len };
    }
    return 0;
}

static int on_expect(struct facts *f, struct str value)
{
    f->head->expect_continue = f->head->minor == 1 && str_ieq(value, "100-continue");
    return 0;
}

/* The fields that frame a message, or decide where it goes. */
static const struct {
    const char *name;
    bool in_responses;
    int (*visit)(struct facts *f, struct str value);
} known_fields[] = {
    { "host", false, on_host },
    { "content-length", true, on_content_length },
    { "transfer-encoding", true, on_transfer_encoding },
    { "connection", true, on_connection },
    { "expect", false, on_expect },
};

static int visit_fields(struct facts *f)
{
    for (size_t i = 0; i < f->head->fields_len; i++) {
        const struct http1_field *field = &f->head->fields[i];

        if (field->name.len == 0) /* which llhttp takes */
            return err_set(f->err, ERR_INVALID, "a field of the head has no name");
        for (size_t k = 0; k < sizeof(known_fields) / sizeof(known_fields[0]); k++) {
            if ((f->head->is_response && !known_fields[k].in_responses) ||
                !str_ieq(field->name, known_fields[k].name))
                continue;
            int rc = known_fields[k].visit(f, field->value);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* --- llhttp ------------------------------------------------------------- */

static int on_field_name(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_head *head = parser->data;

    if (head->fields_len == HTTP1_FIELDS_MAX)
        return -1;
    head->fields[head->fields_len++] = (struct http1_field){ .name = { at, len } };
    return 0;
}

static int on_field_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_head *head = parser->data;

    if (head->fields_len == 0)
        return -1;
    head->fields[head->fields_len - 1].value = str_trim((struct str){ at, len });
    return 0;
}

static int on_head_end(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_field_name,
    .on_header_value = on_field_value,
    .on_headers_complete = on_head_end,
};

/* `head_bytes` is exactly one head, so that every span comes in one piece. */
static int parse_fields(struct str head_bytes, struct facts *f)
{
    llhttp_t parser;

    llhttp_init(&parser, f->head->is_response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    parser.data = f->head;
    f->head->fields_len = 0;
    if (llhttp_execute(&parser, head_bytes.p, head_bytes.len) != HPE_PAUSED) {
        const char *reason = llhttp_get_error_reason(&parser);
        return err_set(f->err, ERR_INVALID, "malformed head: %s", reason ? reason : "no end");
    }
    if (f->head->fields_len != f->lines)
        return err_set(f->err, ERR_INVALID, "malformed head: a field without a line of its own");
    return visit_fields(f);
}

/* --- Judgement ---------------------------------------------------------- */

static int judge_framing(struct facts *f)
{
    struct http1_head *head = f->head;

    if (f->codings > 0 && f->lengths > 0)
        return err_set(f->err, ERR_INVALID,
                       "the message has both Content-Length and Transfer-Encoding");
    if (f->codings > 0 && head->minor == 0)
        return err_set(f->err, ERR_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    head->framing = f->codings > 0 ? HTTP1_CHUNKED : HTTP1_NO_BODY;
    if (f->lengths > 0)
        head->framing = HTTP1_LENGTH;
    head->keep_alive = !f->close && (head->minor == 1 || f->keep_alive);
    return 0;
}

static int judge_request(struct facts *f)
{
    if (f->head->minor == 1 && f->hosts == 0)
        return err_set(f->err, ERR_INVALID, "the request has no Host header");
    if (!f->head->authority.p)
        f->head->authority = f->host;
    return judge_framing(f);
}

static int judge_response(struct facts *f, bool head_request)
{
    struct http1_head *head = f->head;
    int rc = judge_framing(f);

    if (rc < 0)
        return rc;
    if (head_request || head->status < 200 || head->status == 204 || head->status == 304)
        head->framing = HTTP1_NO_BODY;
    else if (head->framing == HTTP1_NO_BODY)
        head->framing = HTTP1_UNTIL_CLOSE;
    if (head->framing == HTTP1_UNTIL_CLOSE)
        head->keep_alive = false;
    return 0;
}

/* Everything but the fields, whose array is large and filled by count. */
static void head_init(struct http1_head *head, bool is_response)
{
    memset(head, 0, offsetof(struct http1_head, fields));
    head->fields_len = 0;
    head->is_response = is_response;
}

static bool is_line_whole(struct str bytes)
{
    return bytes.len > 0 && memchr(bytes.p, '\n', bytes.len);
}

ssize_t http1_parse_request(struct str bytes, struct http1_head *ret, struct err *err)
{
    size_t from = skip_empty_line(bytes);
    struct str message = { bytes.p + from, bytes.len - from };
    struct facts f = { .head = ret, .err = err };

    if (message.len == 0 || str_eq(bytes, "\r"))
        return 0;
    /* A client that speaks TLS, or nothing of ours, is told so by its first byte. */
    if (message.p[0] < 'A' || message.p[0] > 'Z')
        return err_set(err, ERR_INVALID, "this is not an HTTP request");
    ssize_t end = find_end(bytes, from, &f.lines, err);
    if (end < 0 || (end == 0 && !is_line_whole(message)))
        return end;
    head_init(ret, false);
    int rc = parse_request_line(first_line(message), ret, err);
    if (rc < 0 || end == 0)
        return rc;
    rc = parse_fields((struct str){ message.p, (size_t)end - from }, &f);
    if (rc == 0)
        rc = judge_request(&f);
    return rc < 0 ? rc : end;
}

ssize_t http1_parse_response(struct str bytes, bool head_request, struct http1_head *ret,
                             struct err *err)
{
    struct facts f = { .head = ret, .err = err };

    if (bytes.len == 0)
        return 0;
    if (bytes.p[0] != 'H')
        return err_set(err, ERR_INVALID, "this is not an HTTP response");
    ssize_t end = find_end(bytes, 0, &f.lines, err);
    if (end < 0 || (end == 0 && !is_line_whole(bytes)))
        return end;
    head_init(ret, true);
    int rc = parse_status_line(first_line(bytes), ret, err);
    if (rc < 0 || end == 0)
        return rc;
    rc = parse_fields((struct str){ bytes.p, (size_t)end }, &f);
    if (rc == 0)
        rc = judge_response(&f, head_request);
    return rc < 0 ? rc : end;
}

struct str http1_field_value(const struct http1_head *head, const char *name)
{
    for (size_t i = 0; i < head->fields_len; i++)
        if (str_ieq(head->fields[i].name, name))
            return head->fields[i].value;
    return (struct str){ 0 };
}
