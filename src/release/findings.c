#include "release/findings.h"

#include "base/str.h"

#include <stdio.h>

/* clang-format off */
static const struct {
    bool is_error;
    const char *words; /* before the message */
} kinds[FINDING_KIND_COUNT_] = {
    [FINDING_RAISED]  = { false, "" },
    [FINDING_NOT_NOW] = { false, "an answer that cannot be in every state: " },
    [FINDING_WRONG]   = { true,  "an answer that cannot be: " },
    [FINDING_TIMEOUT] = { true,  "too slow: " },
    [FINDING_MEMORY]  = { true,  "too much memory: " },
    [FINDING_CRASH]   = { true,  "crash: " },
};

static const char *const asks[ASK_KIND_COUNT_] = {
    [ASK_SCHEDULE] = "schedule",
    [ASK_JOB]      = "schedule_job",
    [ASK_ADMIT]    = "should_admit",
    [ASK_RETRY]    = "should_retry",
    [ASK_OUTCOME]  = "on_outcome",
};
/* clang-format on */

void findings_note_call(struct findings *f, enum ask_kind ask, bool is_serious, bool has_failed)
{
    f->asked[ask].calls++;
    f->asked[ask].serious += is_serious;
    f->asked[ask].failed += is_serious && has_failed;
}

/* A diagnostic has the place by itself: "home.lua:12: no" is "no". */
static const char *without_place(const char *message, const char *name)
{
    const char *rest = message + strlen(name);

    if (!str_starts(str_of(message), name) || *rest != ':')
        return message;
    rest++;
    size_t digits = strspn(rest, "0123456789");
    if (digits > 0 && rest[digits] == ':')
        rest += digits + 1;
    return *rest == ' ' ? rest + 1 : rest;
}

void findings_add(struct findings *f, enum finding_kind kind, enum ask_kind ask, unsigned line,
                  const char *name, const char *message)
{
    for (size_t i = 0; i < f->len; i++) {
        struct finding *it = &f->items[i];
        if (it->kind == kind && it->ask == ask && it->line == line) {
            it->count++;
            return;
        }
    }
    if (f->len == FINDINGS_MAX)
        return;
    struct finding *it = &f->items[f->len++];
    *it = (struct finding){ .kind = kind, .ask = ask, .line = line, .count = 1 };
    (void)snprintf(it->message, sizeof(it->message), "%s", without_place(message, name));
}

void findings_tell(const struct findings *f, struct diagnostics *d)
{
    for (size_t i = 0; i < f->len; i++) {
        const struct finding *it = &f->items[i];
        unsigned serious = f->asked[it->ask].serious, failed = f->asked[it->ask].failed;
        bool always = serious > 0 && failed == serious;
        bool is_error = kinds[it->kind].is_error || always;

        (void)diagnostics_add(d, !is_error, it->line, 0, "%s%s (%s, %u of %u trials%s)",
                              kinds[it->kind].words, it->message, asks[it->ask], it->count,
                              f->asked[it->ask].calls,
                              always ? "; it never worked where there was a choice" : "");
    }
}
