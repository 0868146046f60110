#include "api/policy_source.h"

#include "api/policy_builtin.h"

#include <stdio.h>

static void name_file(struct policy_source *s, const char *name)
{
    (void)snprintf(s->file, sizeof(s->file), "%s.%s", name, script_language_name(s->language));
}

static int find_kept(const struct policies *p, const struct policy_request *request,
                     struct policy_source *ret, struct err *err)
{
    struct policy_store *store = release_store(p->release);
    struct policy_version version;

    int rc = policy_store_get(store, request->name, request->version, &version, err);
    if (rc < 0)
        return rc;
    buf_init(&ret->kept, STORE_SOURCE_BYTES_MAX);
    rc = policy_store_source(store, &version, &ret->kept, err);
    if (rc < 0) {
        buf_deinit(&ret->kept);
        return rc;
    }
    ret->language = version.language;
    ret->text = buf_str(&ret->kept);
    name_file(ret, version.name);
    return 0;
}

static int find_builtin(const char *name, struct policy_source *ret, struct err *err)
{
    if (strcmp(name, "platform") != 0)
        return err_param(err, ERR_INVALID, "policy",
                         "'%s' is built in and has no text that could be run; 'platform' has",
                         name);
    ret->is_platform = true;
    ret->language = SCRIPT_LUA;
    ret->text = (struct str){ platform_source, platform_source_len };
    name_file(ret, name);
    return 0;
}

int policy_source_find(const struct policies *p, const struct policy_request *request,
                       struct policy_source *ret, struct err *err)
{
    *ret = (struct policy_source){ .language = request->language, .text = request->source };
    if (request->has_source) {
        name_file(ret, "policy");
        return 0;
    }
    return policy_is_builtin(request->name) ? find_builtin(request->name, ret, err)
                                            : find_kept(p, request, ret, err);
}

void policy_source_deinit(struct policy_source *s)
{
    buf_deinit(&s->kept);
}
