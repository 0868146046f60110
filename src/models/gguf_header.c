#include "models/gguf_header.h"

#include <endian.h>
#include <string.h>

enum { VERSION_MIN = 2, VERSION_MAX = 3, ARCHITECTURE_SIZE = 64 };

/* Types of values, by their numbers in the file. */
enum { TYPE_U32 = 4, TYPE_STRING = 8, TYPE_ARRAY = 9, TYPE_U64 = 10, TYPE_COUNT = 13 };

/* Bytes of a value; 0: of a length of its own. */
static const uint8_t type_bytes[TYPE_COUNT] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

static bool take(struct str *rest, size_t len, const char **ret)
{
    if (rest->len < len)
        return false;
    *ret = rest->p;
    rest->p += len;
    rest->len -= len;
    return true;
}

static bool take_u32(struct str *rest, uint32_t *ret)
{
    const char *at;

    if (!take(rest, sizeof(*ret), &at))
        return false;
    memcpy(ret, at, sizeof(*ret));
    *ret = le32toh(*ret);
    return true;
}

static bool take_u64(struct str *rest, uint64_t *ret)
{
    const char *at;

    if (!take(rest, sizeof(*ret), &at))
        return false;
    memcpy(ret, at, sizeof(*ret));
    *ret = le64toh(*ret);
    return true;
}

static bool take_string(struct str *rest, struct str *ret)
{
    uint64_t len;

    if (!take_u64(rest, &len) || len > rest->len)
        return false;
    ret->len = (size_t)len;
    return take(rest, ret->len, &ret->p);
}

static bool skip_array(struct str *rest)
{
    const char *ignored;
    struct str item;
    uint32_t type;
    uint64_t len;

    /* No item is shorter than a byte, so a longer array does not end in this head. */
    if (!take_u32(rest, &type) || !take_u64(rest, &len) || type >= TYPE_COUNT || len > rest->len)
        return false;
    if (type_bytes[type] > 0)
        return take(rest, (size_t)len * type_bytes[type], &ignored);
    if (type != TYPE_STRING)
        return false;
    while (len-- > 0)
        if (!take_string(rest, &item))
            return false;
    return true;
}

static bool skip_value(struct str *rest, uint32_t type)
{
    const char *ignored;
    struct str text;

    if (type == TYPE_STRING)
        return take_string(rest, &text);
    if (type == TYPE_ARRAY)
        return skip_array(rest);
    return type < TYPE_COUNT && take(rest, type_bytes[type], &ignored);
}

/* A count that is not negative, of either width. */
static bool take_count(struct str *rest, uint32_t type, uint64_t *ret)
{
    uint32_t narrow;

    if (type == TYPE_U64)
        return take_u64(rest, ret);
    if (type != TYPE_U32 || !take_u32(rest, &narrow))
        return false;
    *ret = narrow;
    return true;
}

static bool is_member(struct str key, const char *architecture, const char *member)
{
    size_t len = strlen(architecture);

    return *architecture && str_starts(key, architecture) &&
           str_eq((struct str){ key.p + len, key.len - len }, member);
}

bool gguf_has_magic(struct str head)
{
    return str_starts(head, "GGUF");
}

/* Past magic, version and the number of tensors. */
static bool take_start(struct str *rest, uint64_t *ret_members)
{
    const char *magic;
    uint32_t version;
    uint64_t tensors;

    return gguf_has_magic(*rest) && take(rest, 4, &magic) && take_u32(rest, &version) &&
           version >= VERSION_MIN && version <= VERSION_MAX && take_u64(rest, &tensors) &&
           take_u64(rest, ret_members);
}

uint64_t gguf_context_length(struct str head)
{
    char architecture[ARCHITECTURE_SIZE] = "";
    uint64_t members, context_length;
    struct str key, text;
    uint32_t type;

    if (!take_start(&head, &members))
        return 0;
    while (members-- > 0 && take_string(&head, &key) && take_u32(&head, &type)) {
        if (is_member(key, architecture, ".context_length"))
            return take_count(&head, type, &context_length) && context_length <= INT32_MAX
                       ? context_length
                       : 0;
        if (type == TYPE_STRING && str_eq(key, "general.architecture")) {
            if (!take_string(&head, &text) || !str_copy(architecture, sizeof(architecture), text))
                return 0;
        } else if (!skip_value(&head, type)) {
            return 0;
        }
    }
    return 0;
}
