/* endpoint - where to listen or connect: a host and port, or a unix socket. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { ENDPOINT_HOST_SIZE = 256, ENDPOINT_TEXT_SIZE = 272 };

struct endpoint {
    bool is_unix;
    uint16_t port;                 /* 0 with is_unix; 0 when listening: any free port */
    char host[ENDPOINT_HOST_SIZE]; /* name or address without brackets; a path when is_unix */
};

/*
 * "HOST:PORT", "[::1]:PORT", ":PORT" (all addresses), "unix:PATH" (at most 107
 * bytes); with a scheme also "http://HOST[:PORT][/]" (port 80 when absent).
 * ERR_INVALID names what is wrong ("https" is refused by name).
 */
MUST_CHECK int endpoint_parse(struct str text, struct endpoint *ret, struct err *err);

/* As a Host header or a log shows it: "127.0.0.1:8080", "[::1]:8080", "unix:/run/x". */
void endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE]);

/* 127.0.0.0/8, ::1, "localhost", or a unix socket: reachable from this machine only. */
bool endpoint_is_loopback(const struct endpoint *e);
