#include "rules/rules.h"

#include "base/mem.h"
#include "rules/lua_policy.h"

/* More than nodes, rules and expressions of the longest source can take together, so that
 * nothing that is read from a tree can fail for want of it. */
enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

int rules_compile(struct str source, struct script_lua *ret, struct diagnostics *d)
{
    AUTO(arena_deinit) struct arena arena;
    struct rule_reader reader = { .arena = &arena, .d = d };
    const struct rule_node *root;
    const struct rule_policy *policy;

    arena_init(&arena, ARENA_BYTES_MAX);
    root = rule_tree_read(source, &arena, d);
    policy = root ? rule_policy_read(&reader, root) : NULL;
    if (!policy)
        return ERR_INVALID;
    lua_policy_write(&reader, policy, ret);
    if (!ret->text.overflowed)
        return 0;
    diagnostics_add(d, false, 0, 0, "the rules become more than %d bytes of Lua; write fewer",
                    SCRIPT_LUA_BYTES_MAX);
    return ERR_INVALID;
}
