/*
 * store_files - one version, and the choice of the active one, as files; for store.c alone.
 *
 * The text is written before what describes it, so that a version is there whole or not at
 * all.
 */
#pragma once

#include "release/store.h"

/* Does a file's name say that it describes a version ("12.json")? */
bool store_file_is_version(const char *name, uint32_t *ret_version);
/* Is it any file of a version, whole or not ("12.lua")? */
bool store_file_has_number(const char *name, uint32_t *ret_version);

MUST_CHECK int store_version_write(const char *dir, const struct policy_version *v,
                                   struct str source, struct err *err);
/* What describes it, after a look at its text. ERR_SYSTEM, ERR_JSON, ERR_INVALID. */
MUST_CHECK int store_version_read(const char *dir, const char *name, uint32_t version,
                                  struct policy_version *ret, struct err *err);
/* The text, if it still is the one that was added: ERR_SYSTEM, ERR_INVALID. */
MUST_CHECK int store_version_source(const char *dir, const struct policy_version *v,
                                    struct buf *ret, struct err *err);
/* What is gone already is no error. ERR_LIMIT, ERR_SYSTEM. */
MUST_CHECK int store_version_remove(const char *dir, const struct policy_version *v,
                                    struct err *err);
/* The folder of a name, when nothing is left in it. */
void store_name_remove(const char *dir, const char *name);

/* `name` NULL: the built-in policy. */
MUST_CHECK int store_choice_write(const char *dir, const char *name, uint32_t version,
                                  struct err *err);
/* "" in `ret_name` for the built-in policy. ERR_NOT_FOUND: nobody has chosen. */
MUST_CHECK int store_choice_read(const char *dir, char ret_name[SCRIPT_NAME_SIZE],
                                 uint32_t *ret_version, struct err *err);
