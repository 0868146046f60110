/* Tests of one field: what both `gpus: {gt: 1}` and `gpus > 1` become. */
#include "rules/read.h"

#include <stdio.h>

enum { PATH_BYTES_MAX = 128, STARS_MAX = 4, IN_VALUES_MAX = 64 };

struct rule_expr *rule_expr_new(struct rule_reader *r, enum rule_expr_kind kind)
{
    struct rule_expr *expr = rule_reader_alloc(r, sizeof(*expr));

    expr->kind = kind;
    return expr;
}

void rule_expr_add(struct rule_expr *parent, struct rule_expr **last, struct rule_expr *child)
{
    if (!child)
        return;
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->subjects |= child->subjects;
}

static bool has_empty_part(struct str path)
{
    bool was_dot = true;

    for (size_t i = 0; i < path.len; i++) {
        if (path.p[i] == '.' && was_dot)
            return true;
        was_dot = path.p[i] == '.';
    }
    return was_dot;
}

/* `priority` may well mean `job.priority`, although that is far in letters. */
static void offer_paths(struct rule_hint *hint, const struct rule_word *subject, struct str path)
{
    char prefix[16];

    (void)snprintf(prefix, sizeof(prefix), "%s.", subject->name);
    rule_hint_offer_fields(hint, (enum rule_subject)subject->value, prefix);
    for (const char *const *field = rule_fields[subject->value]; *field; field++) {
        if (str_eq(path, *field) && hint->best[0] == '\0')
            (void)snprintf(hint->best, sizeof(hint->best), "%s%s", prefix, *field);
    }
}

static bool refuse_path(struct rule_reader *r, unsigned line, unsigned column, struct str path)
{
    static const char *const others[] = { "all", "any", "not", "model_contains", "task_type" };
    struct rule_hint hint;

    rule_hint_init(&hint, r->d->len < DIAGNOSTICS_MAX ? path : (struct str){ 0 });
    for (const struct rule_word *subject = rule_subjects; subject->name; subject++)
        offer_paths(&hint, subject, path);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        rule_hint_offer(&hint, others[i]);
    rule_error_at(r, line, column,
                  "unknown condition '%.*s'; a path begins with job, worker, pool, tenant, "
                  "metrics or time%s",
                  STR_ARG(path), rule_hint_text(&hint));
    return false;
}

/* Another field than those of the API may well be there: a label, a field of a newer queen. */
static bool check_field(struct rule_reader *r, unsigned line, unsigned column,
                        const struct rule_expr *test)
{
    struct rule_hint hint;
    const char *subject = rule_subjects[test->subject].name;

    if (rule_field_is_known(test->subject, test->path))
        return true;
    rule_hint_init(&hint, r->d->warnings < RULE_WARNINGS_MAX ? test->path : (struct str){ 0 });
    rule_hint_offer_fields(&hint, test->subject, "");
    if (test->subject == RULE_TIME) {
        rule_error_at(r, line, column, "time has hour, minute and weekday, not '%.*s'%s",
                      STR_ARG(test->path), rule_hint_text(&hint));
        return false;
    }
    struct rule_node at = { .line = line, .column = column };
    rule_warning(r, &at, "unknown field '%s.%.*s'%s", subject, STR_ARG(test->path),
                 rule_hint_text(&hint));
    return true;
}

bool rule_path_read(struct rule_reader *r, unsigned line, unsigned column, struct str path,
                    enum rule_subject bare, struct rule_expr *ret)
{
    const char *dot = memchr(path.p, '.', path.len);
    size_t head = dot ? (size_t)(dot - path.p) : path.len;
    const struct rule_word *subject = rule_word_find(rule_subjects, (struct str){ path.p, head });

    if (path.len > PATH_BYTES_MAX || has_empty_part(path)) {
        rule_error_at(r, line, column,
                      "'%.*s' is no path; write at most %d bytes of fields with dots between",
                      STR_ARG(path), PATH_BYTES_MAX);
        return false;
    }
    if (subject && dot) {
        ret->subject = (enum rule_subject)subject->value;
        ret->path = (struct str){ dot + 1, path.len - head - 1 };
        return check_field(r, line, column, ret);
    }
    if (subject || bare == RULE_SUBJECT_COUNT_)
        return refuse_path(r, line, column, path);
    ret->subject = bare;
    ret->path = path;
    return check_field(r, line, column, ret);
}

static bool take_weekday(struct rule_value *value)
{
    char lower[16];
    size_t len = value->text.len;

    if (value->kind == RULE_NUMBER) {
        if (!value->is_integer || value->integer < 0 || value->integer > 7)
            return false;
        value->integer %= 7;
        return true;
    }
    if (value->kind != RULE_TEXT || len >= sizeof(lower))
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(value->text.p[i] | 0x20); /* ASCII letters to lower case */
    const struct rule_word *day = rule_word_find(rule_weekdays, (struct str){ lower, len });
    if (!day)
        return false;
    *value = (struct rule_value){
        .kind = RULE_NUMBER, .is_integer = true, .integer = day->value, .next = value->next
    };
    return true;
}

static bool check_time(struct rule_reader *r, unsigned line, unsigned column,
                       const struct rule_expr *test)
{
    bool is_weekday = str_eq(test->path, "weekday"), is_hour = str_eq(test->path, "hour");

    if (test->op == RULE_EXISTS || test->op == RULE_CONTAINS || test->op == RULE_MATCHES) {
        rule_error_at(r, line, column, "time is compared by eq, ne, lt, le, gt, ge or in");
        return false;
    }
    for (struct rule_value *v = test->values; v; v = v->next) {
        if (is_weekday && !take_weekday(v)) {
            rule_error_at(r, line, column, "'%.32s' is no weekday; write mon to sun, or 0 to 7",
                          v->text.p);
            return false;
        }
        if (!is_weekday && (v->kind != RULE_NUMBER || !v->is_integer || v->integer < 0 ||
                            v->integer > (is_hour ? 23 : 59))) {
            rule_error_at(r, line, column, "time.%.*s is a whole number from 0 to %d",
                          STR_ARG(test->path), is_hour ? 23 : 59);
            return false;
        }
    }
    return true;
}

/* Every star may match anywhere: the work grows with each. */
static bool has_too_many_stars(struct str glob)
{
    size_t stars = 0;

    for (size_t i = 0; i < glob.len; i++)
        stars += glob.p[i] == '*' && (i == 0 || glob.p[i - 1] != '*');
    return stars > STARS_MAX;
}

static const char *wrong_value(const struct rule_expr *test)
{
    enum rule_value_kind kind = test->values->kind;
    size_t len = 0;

    for (const struct rule_value *v = test->values; v; v = v->next)
        len++;
    switch (test->op) {
    case RULE_EXISTS:
        return kind == RULE_BOOL ? NULL : "exists takes true or false";
    case RULE_LT:
    case RULE_LE:
    case RULE_GT:
    case RULE_GE:
        return kind == RULE_NUMBER || kind == RULE_TEXT
                   ? NULL
                   : "less and greater need a number or a text";
    case RULE_CONTAINS:
        return kind == RULE_NUMBER || kind == RULE_TEXT ? NULL : "contains takes a text or number";
    case RULE_MATCHES:
        if (kind != RULE_NUMBER && kind != RULE_TEXT)
            return "matches takes a text in which * and ? stand for any characters";
        return has_too_many_stars(test->values->text) ? "matches takes at most 4 '*'" : NULL;
    case RULE_IN:
        return len <= IN_VALUES_MAX ? NULL : "in takes at most 64 values";
    case RULE_EQ:
    case RULE_NE:
    case RULE_OPERATOR_COUNT_:
        break;
    }
    return NULL;
}

/* A value that the field never has. */
static void warn_about_values(struct rule_reader *r, unsigned line, unsigned column,
                              const struct rule_expr *test)
{
    const char *const *known = rule_field_values(test->subject, test->path);

    if (!known || (test->op != RULE_EQ && test->op != RULE_NE && test->op != RULE_IN))
        return;
    for (const struct rule_value *v = test->values; v; v = v->next) {
        struct rule_hint hint;
        bool is_known = v->kind == RULE_NULL;

        rule_hint_init(&hint, v->text);
        for (const char *const *word = known; *word; word++) {
            is_known = is_known || str_eq(v->text, *word);
            rule_hint_offer(&hint, *word);
        }
        if (is_known)
            continue;
        struct rule_node at = { .line = line, .column = column };
        rule_warning(r, &at, "%s.%.*s is never '%.64s'%s", rule_subjects[test->subject].name,
                     STR_ARG(test->path), v->text.p, rule_hint_text(&hint));
    }
}

struct rule_expr *rule_test_new(struct rule_reader *r, unsigned line, unsigned column,
                                const struct rule_expr *test)
{
    const char *problem = wrong_value(test);

    if (problem) {
        rule_error_at(r, line, column, "%s", problem);
        return NULL;
    }
    if (test->subject == RULE_TIME && !check_time(r, line, column, test))
        return NULL;
    warn_about_values(r, line, column, test);
    struct rule_expr *expr = rule_expr_new(r, RULE_TEST);
    *expr = *test;
    expr->kind = RULE_TEST;
    expr->subjects = RULE_SUBJECT_BIT(test->subject);
    if (test->subject == RULE_WORKER && str_eq(test->path, "estimated_time"))
        expr->subjects |= RULE_SUBJECT_BIT(RULE_JOB); /* it is for a job */
    return expr;
}
