/* rbee policy - the branch; each command of it is a file, what they share policy_work.h. */
#include "keeper/policy_work.h"

const struct command cmd_policy = {
    .name = "policy",
    .summary = "Write, try, deploy and explain scheduling policies",
    .children =
        (const struct command *const[]){ &cmd_policy_validate, &cmd_policy_compile,
                                         &cmd_policy_simulate, &cmd_policy_deploy,
                                         &cmd_policy_rollback, &cmd_policy_delete, &cmd_policy_list,
                                         &cmd_policy_show, &cmd_policy_diff, &cmd_policy_decisions,
                                         &cmd_policy_explain, &cmd_policy_templates, NULL },
};
