#include "api/policy_builtin.h"

#include "base/crypto.h"

const char *const policy_builtins[] = { "platform", "simple", NULL };

bool policy_is_builtin(const char *name)
{
    for (const char *const *builtin = policy_builtins; *builtin; builtin++) {
        if (strcmp(*builtin, name) == 0)
            return true;
    }
    return false;
}

void policy_builtin_version(const char *name, struct policy_version *ret, struct str *ret_source)
{
    static const char simple[] = "The first worker with the model and room; written in C.";
    bool has_text = strcmp(name, "platform") == 0;
    struct str source = { platform_source, has_text ? platform_source_len : 0 };

    *ret = (struct policy_version){ .version = 1, .language = SCRIPT_LUA, .bytes = source.len };
    (void)str_copy(ret->name, sizeof(ret->name), str_of(name));
    if (has_text) {
        crypto_sha256_hex(source, ret->hash);
        script_header_read(source, "--", &ret->header);
    } else {
        (void)str_copy(ret->header.name, sizeof(ret->header.name), str_of(name));
        (void)str_copy(ret->header.description, sizeof(ret->header.description), str_of(simple));
    }
    if (ret_source)
        *ret_source = source;
}

bool policy_builtin_is_active(const struct policies *p, const char *name)
{
    return !release_active(p->release) && strcmp(p->builtin, name) == 0;
}
