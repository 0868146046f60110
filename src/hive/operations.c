#include "hive/operations.h"

#include "base/json_texts.h"

#include <string.h>

enum { OPERATION_NAME_SIZE = 64 };

/* clang-format off */
static const struct hive_operation operations[] = {
    { "status",                    ROUTE_CLIENT, op_status        },
    { "hive_status",               ROUTE_CLIENT, op_status        },
    { "hive_get",                  ROUTE_CLIENT, op_status        },
    { "hive_refresh_capabilities", ROUTE_ADMIN,  op_refresh       },
    { "worker_spawn",              ROUTE_ADMIN,  op_worker_spawn  },
    { "worker_process_list",       ROUTE_CLIENT, op_worker_list   },
    { "worker_process_get",        ROUTE_CLIENT, op_worker_get    },
    { "worker_process_delete",     ROUTE_ADMIN,  op_worker_delete },
    { "active_worker_list",        ROUTE_CLIENT, op_worker_list   },
    { "active_worker_get",         ROUTE_CLIENT, op_worker_get    },
    { "active_worker_retire",      ROUTE_ADMIN,  op_worker_delete },
    { "model_list",                ROUTE_CLIENT, op_model_list    },
};
/* clang-format on */

/* Known to rbee, but a queen's, or not built yet. */
static const char *const elsewhere[] = {
    "infer",          "hive_list",     "hive_install",          "hive_uninstall",
    "hive_start",     "hive_stop",     "hive_import_ssh",       "import_ssh",
    "ssh_test",       "model_get",     "worker_catalog_list",   "worker_catalog_get",
    "worker_install", "worker_remove", "worker_list_installed", "model_download",
    "model_delete",   "model_load",    "model_unload",          "policy_list",
    "policy_get",     "policy_save",   "policy_delete",         "policy_test",
};

static const struct hive_operation *by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

static bool is_elsewhere(const char *name)
{
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (strcmp(elsewhere[i], name) == 0)
            return true;
    return false;
}

int hive_operation_find(struct str body, const struct hive_operation **ret, struct err *err)
{
    char name[OPERATION_NAME_SIZE] = "";
    const struct json_text members[] = { { "operation", name, sizeof(name) } };

    int rc = json_texts_read(body, members, 1, err);
    if (rc < 0)
        return rc;
    if (name[0] == '\0')
        return err_param(err, ERR_MISSING, "operation",
                         "'operation' is missing: say what to do, for example \"worker_spawn\"");
    if (is_elsewhere(name))
        return err_param(err, ERR_UNSUPPORTED, "operation",
                         "a hive does not do '%s'; ask the queen", name);
    const struct hive_operation *op = by_name(name);
    if (!op)
        return err_param(err, ERR_OPERATION_UNKNOWN, "operation", "there is no operation '%s'",
                         name);
    *ret = op;
    return 0;
}
