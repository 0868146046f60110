#include "http/server_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>

enum {
    FIELDS_FIRST_BYTES = 320, /* of a handler's fields: what an inference's take */
    PIECES_MAX = 64,          /* of one writev: more become several chunks */
};

static struct iovec iov_of(const void *bytes, size_t len)
{
    return (struct iovec){ (void *)(uintptr_t)bytes, len };
}

/* --- The head ------------------------------------------------------------ */

void http_reply_header(struct http_request *r, const char *name, struct str value)
{
    if (!r->headers.p)
        (void)buf_reserve(&r->headers, FIELDS_FIRST_BYTES);
    if (!http1_write_field(&r->headers, name, value))
        log_error("header of an answer dropped: too long, or with a line break in it",
                  LOG_STR("header", name), LOG_STR("request_id", r->id));
}

static bool has_no_body(const struct http_request *r, unsigned status)
{
    return r->is_head || status < 200 || status == 204 || status == 304;
}

static void write_framing(struct buf *out, const struct http_request *r, unsigned status,
                          int64_t content_length)
{
    if (status < 200 || status == 204)
        return;
    if (content_length >= 0) {
        (void)buf_puts(out, "Content-Length: ");
        (void)buf_put_int(out, content_length);
        (void)buf_puts(out, "\r\n");
    } else if (r->minor > 0) {
        (void)buf_puts(out, "Transfer-Encoding: chunked\r\n");
    }
}

/* The whole head of the answer, into the server's scratch. */
static struct str write_head(struct http_request *r, unsigned status, const char *content_type,
                             int64_t content_length)
{
    struct http_server *s = r->connection->server;
    struct buf *out = &s->out;

    r->status = (uint16_t)status;
    if (s->is_draining)
        r->keep_alive = false;
    buf_clear(out);
    (void)http1_write_status_line(out, status);
    (void)http1_write_field(out, "Date", str_of(server_date(s)));
    if (content_type)
        (void)http1_write_field(out, "Content-Type", str_of(content_type));
    write_framing(out, r, status, content_length);
    (void)http1_write_field(out, "x-request-id", str_of(r->id));
    (void)buf_add(out, buf_str(&r->headers).p, buf_len(&r->headers));
    if (!r->keep_alive)
        (void)buf_puts(out, "Connection: close\r\n");
    else if (r->minor == 0)
        (void)buf_puts(out, "Connection: keep-alive\r\n");
    (void)buf_puts(out, "\r\n");
    assert(!out->overflowed); /* r->headers has half of the room */
    return buf_str(out);
}

/* --- Whole answers ------------------------------------------------------- */

void http_reply(struct http_request *r, unsigned status, const char *content_type, struct str body)
{
    assert(r->mode == ANSWER_NONE);
    if (r->is_gone)
        return;
    struct str head = write_head(r, status, content_type, (int64_t)body.len);
    struct iovec iov[2] = { iov_of(head.p, head.len), iov_of(body.p, body.len) };

    connection_writev(r->connection, iov, body.len == 0 || has_no_body(r, status) ? 1 : 2);
    connection_exchange_ended(r->connection, r->keep_alive);
}

/* --- Streams ------------------------------------------------------------- */

static enum answer_mode mode_of(const struct http_request *r, unsigned status,
                                int64_t content_length)
{
    if (has_no_body(r, status))
        return ANSWER_EMPTY;
    if (content_length >= 0)
        return ANSWER_LENGTH;
    return r->minor > 0 ? ANSWER_CHUNKED : ANSWER_CLOSE;
}

void http_stream_begin(struct http_request *r, unsigned status, const char *content_type,
                       int64_t content_length)
{
    assert(r->mode == ANSWER_NONE && content_length >= HTTP_LENGTH_UNKNOWN);
    if (r->is_gone)
        return;
    r->mode = (uint8_t)mode_of(r, status, content_length);
    r->left = content_length >= 0 ? (uint64_t)content_length : 0;
    if (r->mode == ANSWER_CLOSE)
        r->keep_alive = false;
    struct str head = write_head(r, status, content_type, content_length);
    (void)buf_add(&r->pending, head.p, head.len);
    buf_deinit(&r->headers);
}

bool http_stream_begun(const struct http_request *r)
{
    return r->mode != ANSWER_NONE;
}

size_t http_stream_queued(const struct http_request *r)
{
    return r->connection->stream ? stream_queued(r->connection->stream) : 0;
}

/* One write: the head when it still waits, the chunk's head, the pieces, its end. */
static void write_pieces(struct http_request *r, const struct iovec *pieces, size_t pieces_len,
                         size_t total)
{
    char chunk_head[HTTP1_CHUNK_HEAD_SIZE];
    struct iovec iov[PIECES_MAX + 3];
    size_t len = 0;

    if (buf_len(&r->pending) > 0)
        iov[len++] = iov_of(buf_str(&r->pending).p, buf_len(&r->pending));
    if (r->mode == ANSWER_CHUNKED)
        iov[len++] = iov_of(chunk_head, http1_chunk_head(chunk_head, total));
    memcpy(iov + len, pieces, pieces_len * sizeof(*pieces));
    len += pieces_len;
    if (r->mode == ANSWER_CHUNKED)
        iov[len++] = iov_of("\r\n", 2);
    connection_writev(r->connection, iov, len);
    buf_deinit(&r->pending);
}

static size_t total_of(const struct iovec *iov, size_t len)
{
    size_t total = 0;

    for (size_t i = 0; i < len; i++)
        total += iov[i].iov_len;
    return total;
}

void http_stream_writev(struct http_request *r, const struct iovec *iov, size_t iov_len)
{
    assert(r->mode != ANSWER_NONE || r->is_gone);
    if (r->is_gone || r->mode == ANSWER_EMPTY)
        return;
    for (size_t at = 0; at < iov_len; at += PIECES_MAX) {
        size_t len = iov_len - at < PIECES_MAX ? iov_len - at : PIECES_MAX;
        size_t total = total_of(iov + at, len);

        if (total == 0)
            continue;
        if (r->mode == ANSWER_LENGTH) {
            assert(total <= r->left); /* the writer's promise of http_stream_begin() */
            r->left -= total;
        }
        write_pieces(r, iov + at, len, total);
    }
}

void http_stream_write(struct http_request *r, const void *bytes, size_t len)
{
    struct iovec iov = iov_of(bytes, len);

    http_stream_writev(r, &iov, 1);
}

void http_stream_flush(struct http_request *r)
{
    struct iovec iov = iov_of(buf_str(&r->pending).p, buf_len(&r->pending));

    if (r->is_gone || iov.iov_len == 0)
        return;
    connection_writev(r->connection, &iov, 1);
    buf_deinit(&r->pending);
}

void http_stream_end(struct http_request *r)
{
    struct iovec iov[2];
    size_t len = 0;

    assert(r->mode != ANSWER_NONE || r->is_gone);
    if (r->is_gone)
        return;
    if (r->mode == ANSWER_LENGTH && r->left > 0) {
        log_error("an answer ended before its length: cut", LOG_STR("request_id", r->id));
        http_stream_abort(r);
        return;
    }
    if (buf_len(&r->pending) > 0)
        iov[len++] = iov_of(buf_str(&r->pending).p, buf_len(&r->pending));
    if (r->mode == ANSWER_CHUNKED)
        iov[len++] = iov_of("0\r\n\r\n", 5);
    if (len > 0)
        connection_writev(r->connection, iov, len);
    connection_exchange_ended(r->connection, r->keep_alive);
}

/*
 * A chunked or counted answer shows by itself that it is not whole: FIN, behind
 * what is queued. The others would look complete: RST.
 */
void http_stream_abort(struct http_request *r)
{
    struct connection *c = r->connection;
    bool shows = r->mode == ANSWER_CHUNKED || (r->mode == ANSWER_LENGTH && r->left > 0);

    if (r->is_gone)
        return;
    if (shows) {
        http_stream_flush(r);
        connection_exchange_ended(c, false);
        return;
    }
    c->request = NULL;
    request_free(r);
    connection_close(c, true);
}
