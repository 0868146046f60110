/*
 * store_private - what the files of the store share; nobody else includes it.
 *
 *   store.c         what is there, in memory; reading it at the start
 *   store_write.c   changes
 *   store_files.c   one version, and the choice of the active one, as files
 */
#pragma once

#include "release/store.h"

#include <limits.h>

/* All versions of one name, oldest first. */
struct family {
    char name[SCRIPT_NAME_SIZE];
    struct policy_version *versions;
    size_t len, cap;
    size_t bytes;  /* of their texts */
    uint32_t last; /* the highest number that was ever used, of broken ones too */
};

struct policy_store {
    char dir[PATH_MAX];
    struct family **families; /* by name */
    size_t len, cap;
    size_t bytes_max;             /* STORE_BYTES_MAX; tests have less */
    struct policy_version active; /* version 0: none */
    bool has_choice;
    char loss[sizeof(((struct err *)0)->msg)]; /* policy_store_loss() */
    bool is_writing;                           /* one at a time */
};

struct family *store_find_family(const struct policy_store *s, const char *name); /* NULL: none */
struct family *store_make_family(struct policy_store *s, const char *name);
void family_append(struct family *f, const struct policy_version *v);
void family_drop(struct family *f, size_t at); /* from memory alone */
void store_drop_family(struct policy_store *s, const struct family *f);
