/*
 * store - every version of every policy, as files under the state directory (until the
 * database of a later version takes them over):
 *
 *     policies/NAME/VERSION.lua|.yaml|.rhai   the text, as its author gave it
 *     policies/NAME/VERSION.json              {"hash","message","created_ms","language", …}
 *     policies/active.json                    {"name","version"}; name null: the built-in
 *                                             policy by choice; absent: nobody has chosen
 *
 * Versions of a name count from 1. A text is known by its hash (SHA-256): deploying the same
 * one again gives its old version. Writes are atomic; a file that cannot be read or does not
 * match its hash is reported and passed over, never run; its number is not used again.
 */
#pragma once

#include "base/err.h"
#include "script/script.h"

enum {
    STORE_NAMES_MAX = 1000,
    STORE_VERSIONS_MAX = 1000, /* of one name; the oldest that is not active goes then */
    STORE_HASH_SIZE = 65,
    STORE_MESSAGE_SIZE = 512,
    STORE_SOURCE_BYTES_MAX = SCRIPT_BYTES_MAX + 3, /* with a BOM */
    STORE_BYTES_MAX = 512 * 1024 * 1024, /* of all texts; the oldest of all versions goes then,
                                            but no active one, and no policy's newest */
};

struct policy_version {
    char name[SCRIPT_NAME_SIZE]; /* [A-Za-z0-9._-]+, not starting with '.', not active.json */
    uint32_t version;
    enum script_language language;
    char hash[STORE_HASH_SIZE]; /* hex */
    char message[STORE_MESSAGE_SIZE];
    uint64_t created_ms; /* wall clock */
    size_t bytes;
    struct script_header header; /* what the text says of itself */
};

struct policy_store;
/* Reads what is there; problems are logged. `dir` is made. NULL with words in `err`. */
struct policy_store *policy_store_open(const char *dir, struct err *err);
void policy_store_close(struct policy_store *s);

bool policy_name_is_valid(struct str name);
/* "platform" and "simple" mean the built-in policies, and nobody else's. */
bool policy_name_is_reserved(struct str name);

/* ERR_SYSTEM, ERR_LIMIT, ERR_INVALID (name). `ret` may be an older version of equal text; too
 * long a message is cut. */
MUST_CHECK int policy_store_add(struct policy_store *s, const char *name,
                                enum script_language language, struct str source,
                                const struct script_header *header, const char *message,
                                uint64_t now_ms, struct policy_version *ret, struct err *err);

/* The same in three steps, and policy_store_set_active(), for who cannot wait for a disk:
 * prepare, run on any thread, commit, which frees it. One at a time; the store may be read
 * meanwhile. `ret` of a choice: the version, 0 for the built-in policy. */
struct policy_write;
MUST_CHECK int policy_store_prepare_add(struct policy_store *s, const char *name,
                                        enum script_language language, struct str source,
                                        const struct script_header *header, const char *message,
                                        uint64_t now_ms, struct policy_write **ret,
                                        struct err *err);
struct policy_write *policy_store_prepare_choice(struct policy_store *s,
                                                 const struct policy_version *v);
/* Take away all versions of a name, which is free again then, or (not 0) one of them. `ret` of
 * it: the newest that went. ERR_NOT_FOUND; ERR_CONFLICT for the active one. */
MUST_CHECK int policy_store_prepare_removal(struct policy_store *s, const char *name,
                                            uint32_t version, struct policy_write **ret,
                                            struct err *err);
void policy_write_run(struct policy_write *w);
MUST_CHECK int policy_store_commit(struct policy_store *s, struct policy_write *w,
                                   struct policy_version *ret, struct err *err);
void policy_write_free(struct policy_write *w); /* of a store that is closed; NULL is fine */

/* `version` 0: the newest. ERR_NOT_FOUND names what there is. */
MUST_CHECK int policy_store_get(const struct policy_store *s, const char *name, uint32_t version,
                                struct policy_version *ret, struct err *err);
MUST_CHECK int policy_store_source(const struct policy_store *s, const struct policy_version *v,
                                   struct buf *ret, struct err *err);

/* The version of a name (NULL: of any) that has this text. False: none. */
bool policy_store_find(const struct policy_store *s, const char *name,
                       enum script_language language, struct str source,
                       struct policy_version *ret);

/* Names in alphabetical order; versions of one, newest first. */
size_t policy_store_names(const struct policy_store *s,
                          void (*visit)(void *data, const struct policy_version *newest),
                          void *data);
size_t policy_store_versions(const struct policy_store *s, const char *name,
                             void (*visit)(void *data, const struct policy_version *v), void *data);

/* Which one is active; NULL: the built-in, or nobody has chosen. Survives a restart. */
const struct policy_version *policy_store_active(const struct policy_store *s);
bool policy_store_has_choice(const struct policy_store *s);
/* Why the one that was active was not found when the store was opened; "": it was, or none was. */
const char *policy_store_loss(const struct policy_store *s);
MUST_CHECK int policy_store_set_active(struct policy_store *s, const struct policy_version *v,
                                       struct err *err);
