#include "http/http1.h"

/* clang-format off */
static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 499, "Client Closed Request" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};
/* clang-format on */

const char *http1_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* Nothing that could end a line early. */
static bool is_one_line(struct str s)
{
    return s.len == 0 ||
           (!memchr(s.p, '\r', s.len) && !memchr(s.p, '\n', s.len) && !memchr(s.p, '\0', s.len));
}

static bool add(struct buf *out, struct str s)
{
    return buf_add(out, s.p, s.len);
}

bool http1_write_status_line(struct buf *out, unsigned status)
{
    char line[] = "HTTP/1.1 000 ";

    if (status < 100 || status > 599)
        return false;
    line[9] = (char)('0' + status / 100);
    line[10] = (char)('0' + status / 10 % 10);
    line[11] = (char)('0' + status % 10);
    return buf_puts(out, line) && buf_puts(out, http1_reason(status)) && buf_puts(out, "\r\n");
}

bool http1_write_request_line(struct buf *out, const char *method, struct str target)
{
    if (!is_one_line(target) || !is_one_line(str_of(method)))
        return false;
    return buf_puts(out, method) && buf_putc(out, ' ') && add(out, target) &&
           buf_puts(out, " HTTP/1.1\r\n");
}

/* In one piece, and checked where it stands before it counts: a dozen fields a request. */
bool http1_write_field(struct buf *out, const char *name, struct str value)
{
    size_t name_len = strlen(name), len = name_len + 2 + value.len;
    char *line = buf_reserve(out, len + 2);

    if (!line)
        return false;
    memcpy(line, name, name_len);
    memcpy(line + name_len, ": ", 2);
    if (value.len > 0)
        memcpy(line + name_len + 2, value.p, value.len);
    memcpy(line + len, "\r\n", 2);
    if (!is_one_line((struct str){ line, len }))
        return false;
    buf_commit(out, len + 2);
    return true;
}

size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD_SIZE], size_t len)
{
    static const char hex[] = "0123456789abcdef";
    unsigned digits = 1;

    for (size_t rest = len >> 4; rest > 0; rest >>= 4)
        digits++;
    for (unsigned i = 0; i < digits; i++)
        out[i] = hex[len >> (4 * (digits - 1 - i)) & 0xf];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    out[digits + 2] = '\0';
    return digits + 2;
}
