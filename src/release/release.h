/*
 * release - which user policy is active, how it became so, and how it stops being so.
 *
 * A policy comes from a file (--scheduler FILE, policies.d/) or from the admin API; it is
 * validated (release/validation.h), kept as a version (release/store.h), loaded into a host
 * with its spare (sandbox/), and only then does it take over, between two questions, without
 * touching a stream. Whatever goes wrong on the way leaves the old one in place and says
 * why. Files are watched in home and lab mode: debounced, whole, validated; one that
 * vanishes leaves its last good version running. In platform mode every change is refused
 * (ERR_PLATFORM_IMMUTABLE), and no user policy runs.
 *
 * A file's policy is called by its `@name` (`scheduler.name` in YAML), else as the file. The
 * --scheduler FILE takes over at the start and whenever it changes. A drop-in takes over
 * when it changes and the active policy has its name, or when nobody has chosen any.
 *
 * Validation reads no store and activates nothing: a few go on at once, but one of each name;
 * other deploys wait. Activations take turns, in the order in which they are ready. Files have
 * nobody to be told what is wrong with them: it is logged once, and kept for release_last_error().
 */
#pragma once

#include "release/store.h"
#include "release/validation.h"
#include "sandbox/sandbox.h"

struct release;

struct release_events {
    /* Another policy decides from now on: CORE_POLICY. NULL: the built-in one. A question to
     * the one before is never answered. */
    void (*on_policy)(void *data, const struct policy_version *version,
                      const struct policy_info *info);
    /* CORE_POLICY_STATE. After a start without a sandbox this follows on_policy(), with an
     * `info` that only knows the header: such a policy is never asked. */
    void (*on_state)(void *data, enum policy_failure unavailable, const char *words);
};

struct release_options {
    const char *store_dir;   /* policies under the state directory */
    const char *file;        /* --scheduler FILE; NULL: none */
    const char *drop_in_dir; /* policies.d; NULL: none */
    bool begins_built_in;    /* without a file: as if release_builtin() were called first */
    bool is_immutable;       /* platform mode */
    bool watches_files;
    unsigned debounce_ms;                /* 200 */
    unsigned deploys_max;                /* deploys and rollbacks under way or waiting; 32 */
    unsigned validations_max;            /* of deploys, at once; the others wait; 4 */
    const struct region *live;           /* what the queen sees: new policies are tried on it as
                                          * well; borrowed; NULL: none */
    const struct release_events *events; /* borrowed */
    void *data;
};

/* Opens the store. NULL with words in `err`. */
struct release *release_new(struct loop *loop, struct sandbox *sandbox,
                            const struct release_options *options, struct err *err);
void release_free(struct release *r);

/* Load what shall run from the start: the file or, asked for, the built-in policy; else what was
 * active, else the first of the drop-ins. A --scheduler FILE that is wrong stops the start: `err`
 * gives file, line, words; and so does a choice of the built-in policy that cannot be stored.
 * `on_ready` comes once, from the loop, with 0 or what stops the start. */
void release_begin(struct release *r, void (*on_ready)(void *data, const struct err *err),
                   void *data);

struct deploy_request {
    const char *name;
    enum script_language language;
    struct str source;
    const char *message;
    bool activate;
};
struct deploy_result {
    int code;       /* 0, or the enum err_code of `err` */
    struct err err; /* ERR_PLATFORM_IMMUTABLE, ERR_LIMIT, ERR_SYSTEM, ERR_INVALID … */
    bool is_active;
    struct policy_version version;
    const struct validation_result *validation; /* NULL: it did not come so far */
};
typedef void deploy_done_fn(void *data, const struct deploy_result *result);
/* Exactly one callback, from the loop, unless release_forget(data) is called before. What is
 * pointed to is copied. */
void release_deploy(struct release *r, const struct deploy_request *request,
                    deploy_done_fn *on_done, void *data);
void release_rollback(struct release *r, const char *name, uint32_t version,
                      deploy_done_fn *on_done, void *data);
void release_builtin(struct release *r, deploy_done_fn *on_done, void *data); /* none active */
/* A name with all its versions, or (not 0) one of them, but nothing that is active. `version` of
 * the result: the newest that went. */
void release_delete(struct release *r, const char *name, uint32_t version, deploy_done_fn *on_done,
                    void *data);
void release_forget(struct release *r, const void *data); /* its asker has gone */

struct policy_store *release_store(struct release *r);
const struct policy_version *release_active(const struct release *r); /* NULL: the built-in */
struct sandboxed *release_sandboxed(struct release *r);               /* of the active one; NULL */
const char *release_last_error(const struct release *r);              /* of the files; "" */
