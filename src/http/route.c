#include "http/route.h"

/* The next segment of a path or pattern; false at its end. */
static bool next_segment(struct str *rest, struct str *ret_segment)
{
    if (rest->len == 0 || rest->p[0] != '/')
        return false;
    const char *begin = rest->p + 1;
    const char *slash = memchr(begin, '/', rest->len - 1);
    const char *end = slash ? slash : rest->p + rest->len;

    *ret_segment = (struct str){ begin, (size_t)(end - begin) };
    *rest = (struct str){ end, (size_t)(rest->p + rest->len - end) };
    return true;
}

static bool is_param(struct str segment)
{
    return segment.len > 2 && segment.p[0] == '{' && segment.p[segment.len - 1] == '}';
}

/* "{name...}", the last of its pattern: all that is left of the path. */
static bool is_rest(struct str segment)
{
    return is_param(segment) && segment.len > 5 &&
           memcmp(segment.p + segment.len - 4, "...}", 4) == 0;
}

static bool same(struct str a, struct str b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool matches(const char *pattern, struct str path, struct str params[ROUTE_PARAMS_MAX])
{
    struct str want = str_of(pattern), wanted, got;
    size_t params_len = 0;

    while (next_segment(&want, &wanted)) {
        if (!next_segment(&path, &got))
            return false;
        if (!is_param(wanted)) {
            if (!same(wanted, got))
                return false;
            continue;
        }
        if (got.len == 0 || params_len == ROUTE_PARAMS_MAX)
            return false;
        if (is_rest(wanted)) {
            got.len += path.len;
            path.len = 0;
        }
        params[params_len++] = got;
    }
    return want.len == 0 && path.len == 0;
}

static bool serves(const struct route *route, struct str method)
{
    return str_eq(method, route->method) ||
           (str_eq(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

void route_find(const struct route *routes, struct str method, struct str path,
                struct route_match *ret)
{
    *ret = (struct route_match){ 0 };
    for (const struct route *route = routes; route->method; route++) {
        struct str params[ROUTE_PARAMS_MAX] = { 0 };

        if (!matches(route->pattern, path, params))
            continue;
        ret->path_known = true;
        ret->flags |= route->flags;
        if (!serves(route, method))
            continue;
        ret->route = route;
        ret->flags = route->flags;
        memcpy(ret->params, params, sizeof(params));
        return;
    }
}
