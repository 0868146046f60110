#include "api/operations.h"

#include "base/json_texts.h"

enum { OPERATION_NAME_SIZE = 64 };

/* clang-format off */
static const struct operation operations[] = {
    { "infer",                     ROUTE_CLIENT, op_infer       },
    { "status",                    ROUTE_CLIENT, op_status      },
    { "hive_list",                 ROUTE_CLIENT, op_hive_list   },
    { "hive_get",                  ROUTE_CLIENT, op_hive_get    },
    { "hive_status",               ROUTE_CLIENT, op_hive_get    },
    { "hive_refresh_capabilities", ROUTE_ADMIN,  op_forward     },
    { "active_worker_list",        ROUTE_CLIENT, op_worker_list },
    { "active_worker_get",         ROUTE_CLIENT, op_worker_get  },
    { "active_worker_retire",      ROUTE_ADMIN,  op_forward     },
    { "worker_spawn",              ROUTE_ADMIN,  op_forward     },
    { "worker_process_list",       ROUTE_CLIENT, op_forward     },
    { "worker_process_get",        ROUTE_CLIENT, op_forward     },
    { "worker_process_delete",     ROUTE_ADMIN,  op_forward     },
    { "model_list",                ROUTE_CLIENT, op_model_list  },
    { "model_get",                 ROUTE_CLIENT, op_model_get   },
    { "hive_install",              ROUTE_ADMIN,  NULL },
    { "hive_uninstall",            ROUTE_ADMIN,  NULL },
    { "hive_start",                ROUTE_ADMIN,  NULL },
    { "hive_stop",                 ROUTE_ADMIN,  NULL },
    { "hive_import_ssh",           ROUTE_ADMIN,  NULL },
    { "ssh_test",                  ROUTE_ADMIN,  NULL },
    { "worker_catalog_list",       ROUTE_CLIENT, NULL },
    { "worker_catalog_get",        ROUTE_CLIENT, NULL },
    { "worker_install",            ROUTE_ADMIN,  NULL },
    { "worker_remove",             ROUTE_ADMIN,  NULL },
    { "worker_list_installed",     ROUTE_CLIENT, NULL },
    { "model_download",            ROUTE_ADMIN,  NULL },
    { "model_delete",              ROUTE_ADMIN,  NULL },
    { "model_load",                ROUTE_ADMIN,  NULL },
    { "model_unload",              ROUTE_ADMIN,  NULL },
    { "policy_list",               ROUTE_ADMIN,  op_policy_list   },
    { "policy_get",                ROUTE_ADMIN,  op_policy_get    },
    { "policy_save",               ROUTE_ADMIN,  op_policy_save   },
    { "policy_delete",             ROUTE_ADMIN,  op_policy_delete },
    { "policy_test",               ROUTE_ADMIN,  op_policy_test   },
};

/* Names of the seeds and of the list in PROTOCOL that mean the same. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    { "rhai_script_list",   "policy_list"   },
    { "rhai_script_get",    "policy_get"    },
    { "rhai_script_save",   "policy_save"   },
    { "rhai_script_delete", "policy_delete" },
    { "rhai_script_test",   "policy_test"   },
    { "import_ssh",         "hive_import_ssh" },
};
/* clang-format on */

static const struct operation *by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(aliases[i].alias, name) == 0)
            name = aliases[i].name;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    return NULL;
}

int operation_find(struct str body, const struct operation **ret, struct err *err)
{
    char name[OPERATION_NAME_SIZE] = "";
    const struct json_text members[] = { { "operation", name, sizeof(name) } };

    int rc = json_texts_read(body, members, 1, err);
    if (rc < 0)
        return rc;
    if (name[0] == '\0')
        return err_param(err, ERR_MISSING, "operation",
                         "'operation' is missing: say what to do, for example \"infer\"");
    const struct operation *op = by_name(name);
    if (!op)
        return err_param(err, ERR_OPERATION_UNKNOWN, "operation", "there is no operation '%s'",
                         name);
    if (!op->run)
        return err_param(err, ERR_UNSUPPORTED, "operation",
                         "the operation '%s' is not supported by this version", name);
    *ret = op;
    return 0;
}
