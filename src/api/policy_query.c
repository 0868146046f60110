#include "api/policy_query.h"

#include "base/parse.h"

enum { VALUE_SIZE = 24 };

/* Take the next parameter's name off the front; false: no more. */
static bool next_name(struct str *rest, struct str *ret)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->p, '&', rest->len);
    size_t len = end ? (size_t)(end - rest->p) : rest->len;
    const char *equals = memchr(rest->p, '=', len);

    *ret = (struct str){ rest->p, equals ? (size_t)(equals - rest->p) : len };
    rest->p += len + (end != NULL);
    rest->len -= len + (end != NULL);
    return true;
}

static bool is_known(struct str name, const char *const *known)
{
    for (; *known; known++) {
        if (str_eq(name, *known))
            return true;
    }
    return false;
}

int policy_query_check(const struct http_request *req, const char *const *known, struct err *err)
{
    struct str rest = http_request_query(req), name;
    char param[64];

    while (next_name(&rest, &name)) {
        if (name.len == 0 || is_known(name, known))
            continue;
        name.len = name.len < sizeof(param) ? name.len : sizeof(param) - 1;
        (void)str_copy(param, sizeof(param), name);
        return err_param(err, ERR_INVALID, param, "the parameter '%s' is not known here", param);
    }
    return 0;
}

int policy_path_name(const struct http_request *req, char ret[SCRIPT_NAME_SIZE], struct err *err)
{
    static const char *const no_parameters[] = { NULL };

    if (policy_query_check(req, no_parameters, err) < 0)
        return err->code;
    if (http_request_param_text(req, 0, ret, SCRIPT_NAME_SIZE) && policy_name_is_valid(str_of(ret)))
        return 0;
    return err_param(err, ERR_INVALID, "name",
                     "a policy's name is letters, digits, '.', '_' and '-'");
}

int policy_path_version(const struct http_request *req, uint32_t *ret, struct err *err)
{
    uint64_t version;

    if (!parse_u64_str(http_request_param(req, 1), &version) || version < 1 || version > UINT32_MAX)
        return err_param(err, ERR_INVALID, "version", "a version is a whole number from 1 on");
    *ret = (uint32_t)version;
    return 0;
}

static bool has(const struct http_request *req, const char *wanted)
{
    struct str rest = http_request_query(req), name;

    while (next_name(&rest, &name)) {
        if (str_eq(name, wanted))
            return true;
    }
    return false;
}

int policy_query_text(const struct http_request *req, const char *name, char *dst, size_t size,
                      struct err *err)
{
    if (!has(req, name) || (http_request_query_param(req, name, dst, size) && dst[0] != '\0'))
        return 0;
    return err_param(err, ERR_INVALID, name, "'%s' is empty, too long, or not decodable", name);
}

int policy_query_number(const struct http_request *req, const char *name, uint64_t min,
                        uint64_t max, uint64_t *ret, struct err *err)
{
    char text[VALUE_SIZE] = "";
    uint64_t value;

    if (!has(req, name))
        return 0;
    if (!http_request_query_param(req, name, text, sizeof(text)) ||
        !parse_u64_str(str_of(text), &value) || value < min || value > max)
        return err_param(err, ERR_INVALID, name, "'%s' must be a whole number from %llu to %llu",
                         name, (unsigned long long)min, (unsigned long long)max);
    *ret = value;
    return 0;
}
