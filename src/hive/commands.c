#include "hive/commands.h"

#include "base/json.h"
#include "base/json_texts.h"
#include "base/log.h"
#include "hive/operations.h"

#include <string.h>

static bool was_run(const struct machine *m, const char *id)
{
    for (size_t i = 0; i < COMMANDS_KEPT; i++)
        if (strcmp(m->commands[i], id) == 0)
            return true;
    return false;
}

static void note_run(struct machine *m, const char *id)
{
    (void)str_copy(m->commands[m->commands_next], COMMAND_ID_SIZE, str_of(id));
    m->commands_next = (m->commands_next + 1) % COMMANDS_KEPT;
}

static void run_one(struct machine *m, struct str command)
{
    char id[COMMAND_ID_SIZE] = "", job_id[JOB_ID_SIZE] = "";
    const struct json_text members[] = { { "id", id, sizeof(id) } };
    const struct hive_operation *op;
    struct err err;

    if (json_texts_read(command, members, 1, &err) < 0) {
        log_warn("a queen's command cannot be read", LOG_ERR(&err));
        return;
    }
    if (id[0] && was_run(m, id))
        return; /* an answer that was given twice */
    if (id[0])
        note_run(m, id);
    if (hive_operation_find(command, &op, &err) < 0 || op->run(m, op, command, job_id, &err) < 0)
        log_warn("a queen's command was refused", LOG_STR("command_id", id), LOG_ERR(&err));
    else
        log_info("a queen's command was taken", LOG_STR("command_id", id),
                 LOG_STR("operation", op->name), LOG_STR("job_id", job_id));
}

int commands_run(struct machine *m, struct str answer, struct err *err)
{
    struct str raw;
    struct json j;
    int rc = json_raw_member(answer, "commands", &raw, err);

    if (rc < 0 || !raw.p)
        return rc;
    json_init(&j, raw);
    if (json_read_null(&j))
        return 0;
    json_array(&j)
    {
        struct str command;
        json_read_raw(&j, &command);
        if (!j.failed)
            run_one(m, command);
    }
    return json_finish(&j, err);
}
