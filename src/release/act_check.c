/* What happens before a deploy stands in line. */
#include "release/act.h"

#include "base/mem.h"

/* --- Validation -------------------------------------------------------------------------- */

static void on_validated(void *data, const struct validation_result *checked)
{
    struct act *act = data;
    struct release *r = act->r;
    char title[TITLE_SIZE];

    act->validation = NULL;
    act->checked = *checked;
    act->result.validation = checked->is_untried ? NULL : &act->checked;
    act->header = checked->info.header;
    release_title(title, sizeof(title), act->name, act->language);
    if (checked->is_valid) {
        act_line_up(act);
        act_check_next(r);
        return;
    }
    (void)release_explain(title, &checked->diagnostics, checked->is_untried, &act->result.err);
    act_fail(act);
}

static void validate(struct act *act)
{
    char title[TITLE_SIZE];

    release_title(title, sizeof(title), act->name, act->language);
    act->is_waiting = false;
    act->recent[0] = (struct validation_context){ act->r->options.live, "the state of now" };
    act->validation = validation_start(act->r->loop, act->r->sandbox,
                                       &(struct validation_options){
                                           .language = act->language,
                                           .source = buf_str(&act->source),
                                           .name = title,
                                           .recent = act->recent,
                                           .recent_len = act->recent[0].region ? 1 : 0,
                                           .on_done = on_validated,
                                           .data = act,
                                       });
}

static int check_deploy(const struct act *act, struct err *err)
{
    if (!policy_name_is_valid(str_of(act->name)))
        return err_param(err, ERR_INVALID, "name",
                         "must be letters, digits, '.', '_' and '-', at most %d, and begin with "
                         "no '.'",
                         SCRIPT_NAME_SIZE - 1);
    return release_check_sandbox(act->r, err);
}

/* --- Waiting for it ---------------------------------------------------------------------- */

static size_t count_validations(const struct release *r)
{
    struct list *it;
    size_t count = 0;

    for (it = r->acts.next; it != &r->acts; it = it->next)
        count += container_of(it, struct act, link)->validation != NULL;
    return count;
}

/* An older deploy of the same name is under way. */
static bool is_behind_another(const struct act *act)
{
    struct list *it;

    for (it = act->r->acts.next; it != &act->link; it = it->next) {
        const struct act *other = container_of(it, struct act, link);
        if (other->kind == ACT_DEPLOY && other->result.err.code == 0 &&
            strcmp(other->name, act->name) == 0)
            return true;
    }
    return false;
}

void act_check_next(struct release *r)
{
    size_t free = r->options.validations_max, busy = count_validations(r);
    struct list *it, *tmp;

    free -= busy < free ? busy : free;
    LIST_FOREACH(it, tmp, &r->acts) {
        struct act *act = container_of(it, struct act, link);
        if (free == 0)
            return;
        if (!act->is_waiting || is_behind_another(act))
            continue;
        validate(act);
        free--;
    }
}

void act_check(struct act *act)
{
    if (check_deploy(act, &act->result.err) < 0) {
        act_fail(act);
        return;
    }
    act->is_waiting = true;
    act_check_next(act->r);
}
