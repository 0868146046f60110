#include "api/request_headers.h"

#include "base/clock.h"
#include "base/parse.h"

static const char LABEL_PREFIX[] = "X-Rbee-Label-";

static int apply_priority(const struct http_request *req, struct job_spec *spec, struct err *err)
{
    struct str value = http_request_header(req, "X-Priority");

    if (value.len > 0 && !job_priority_parse(value, &spec->priority))
        return err_param(err, ERR_INVALID, "X-Priority",
                         "'X-Priority' must be interactive or batch, found '%.*s'",
                         (int)(value.len > 32 ? 32 : value.len), value.p);
    return 0;
}

static int apply_session(const struct http_request *req, struct job_spec *spec, struct err *err)
{
    struct str value = http_request_header(req, "X-Session-Id");

    if (value.len > 0 && !str_copy(spec->session_id, sizeof(spec->session_id), value))
        return err_param(err, ERR_INVALID, "X-Session-Id",
                         "'X-Session-Id' may have at most %d characters", SESSION_ID_SIZE - 1);
    return 0;
}

/* The header is a moment of wall time (ms since 1970); the body's field a duration. */
static int apply_deadline(const struct http_request *req, uint64_t now_ms,
                          struct infer_request *parsed, struct err *err)
{
    struct str value = http_request_header(req, "X-Deadline");
    uint64_t at_wall_ms, wall_ms;

    if (parsed->has_deadline)
        parsed->spec.deadline_ms = now_ms + parsed->deadline_in_ms;
    if (value.len == 0)
        return 0;
    if (!parse_u64_str(value, &at_wall_ms))
        return err_param(err, ERR_INVALID, "X-Deadline",
                         "'X-Deadline' must be milliseconds since 1970");
    wall_ms = clock_wall_ms();
    if (at_wall_ms <= wall_ms)
        return err_param(err, ERR_DEADLINE, "X-Deadline", "the deadline had passed on arrival");
    parsed->spec.deadline_ms = now_ms + (at_wall_ms - wall_ms);
    return 0;
}

struct label_visit {
    struct labels *labels;
    int rc;
    struct err *err;
};

static void apply_label(void *data, struct str name, struct str value)
{
    struct label_visit *visit = data;
    char key[LABEL_KEY_MAX + 1];
    size_t skip = sizeof(LABEL_PREFIX) - 1;

    if (visit->rc < 0)
        return;
    if (!str_copy(key, sizeof(key), (struct str){ name.p + skip, name.len - skip })) {
        visit->rc = err_set(visit->err, ERR_INVALID,
                            "a label's name may have at most %d characters", LABEL_KEY_MAX);
        return;
    }
    /* Header names have no case; label keys are lower case by convention. */
    for (char *c = key; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    visit->rc = labels_set(visit->labels, str_of(key), value, visit->err);
}

int request_headers_apply(const struct http_request *req, uint64_t now_ms,
                          struct infer_request *parsed, struct err *err)
{
    struct label_visit visit = { .labels = &parsed->spec.labels, .err = err };

    int rc = apply_priority(req, &parsed->spec, err);
    if (rc == 0)
        rc = apply_session(req, &parsed->spec, err);
    if (rc == 0)
        rc = apply_deadline(req, now_ms, parsed, err);
    if (rc == 0) {
        http_request_headers_each(req, LABEL_PREFIX, apply_label, &visit);
        rc = visit.rc;
    }
    return rc;
}

bool request_wants_queue_updates(const struct http_request *req)
{
    return str_eq(http_request_header(req, "X-Rbee-Queue-Updates"), "1");
}
