/*
 * str - a borrowed view of bytes: not NUL-terminated, owned by somebody else.
 * A zeroed view is the empty string; `p` may then be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct str {
    const char *p;
    size_t len;
};

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).p ? (s).p : ""

static inline struct str str_of(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, const char *z)
{
    return strlen(z) == a.len && (a.len == 0 || memcmp(a.p, z, a.len) == 0);
}

static inline bool str_ieq(struct str a, const char *z)
{
    return strlen(z) == a.len && (a.len == 0 || strncasecmp(a.p, z, a.len) == 0);
}

static inline bool str_starts(struct str a, const char *z)
{
    size_t len = strlen(z);
    return a.len >= len && memcmp(a.p, z, len) == 0;
}

/* Copy into a fixed array with a NUL. False, and "" in `dst`, when it does not
 * fit or holds a NUL byte. */
static inline bool str_copy(char *dst, size_t size, struct str s)
{
    dst[0] = '\0';
    if (s.len >= size || (s.len > 0 && memchr(s.p, '\0', s.len)))
        return false;
    if (s.len > 0)
        memcpy(dst, s.p, s.len);
    dst[s.len] = '\0';
    return true;
}

/* Without blanks (space, tab) at both ends. */
static inline struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}
