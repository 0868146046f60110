/*
 * release_private - what the files of release/ share about changes under way; nobody else
 * includes it.
 *
 *   release.c        life, who is active, the start
 *   act*.c           one change, from its request to its end
 *   policy_files.c   --scheduler FILE and drop-ins (file_list.h: which there are)
 */
#pragma once

#include "loop/loop.h"
#include "release/release.h"

#include <limits.h>

/* A policy in its hosts: the active one, or one that is about to be. */
struct reign {
    struct release *r;
    struct act *act; /* that is loading it; NULL: it is active */
    struct sandboxed *policy;
    struct policy_info info;
};
void reign_free(struct reign *live); /* NULL is fine */

struct policy_files;

struct release {
    struct loop *loop;
    struct sandbox *sandbox;
    struct release_options options;
    struct policy_store *store;
    struct policy_files *files;
    struct list acts;    /* act.link: under way, in the order of their coming */
    struct list in_line; /* act.in_line: ready to take over, first come first served */
    struct act *turn;    /* the one that is at the store or loading; NULL: none */

    struct policy_version version; /* the active one; .version 0: the built-in policy */
    struct reign *live;            /* NULL: it is the built-in one, or cannot run here */

    struct loop_timer begin;
    void (*on_ready)(void *data, const struct err *err);
    void *ready_data;
    char restore_error[sizeof(((struct err *)0)->msg)]; /* of what should have run from the start */
};

/* --- release.c */

/* Can policies be run? 0, or ERR_UNAVAILABLE. */
MUST_CHECK int release_check_sandbox(const struct release *r, struct err *err);
bool release_is_active(const struct release *r, const struct policy_version *v);
/* From now on it decides; `live` NULL: the built-in policy does. The old one is freed. */
void release_take_over(struct release *r, const struct policy_version *v, struct reign *live);
/* The start is over; once. `err` NULL: well. */
void release_ready(struct release *r, const struct err *err);
/* "home" in Lua is "home.lua" in messages. */
void release_title(char *ret, size_t size, const char *name, enum script_language language);
/* The first error of a trial, as one line behind the name of the text. Returns its code. */
int release_explain(const char *title, const struct diagnostics *d, bool is_untried,
                    struct err *err);

/* --- act.c */

enum { TITLE_SIZE = SCRIPT_NAME_SIZE + 8 };

enum act_kind {
    ACT_DEPLOY,  /* validate, store, and activate when wanted */
    ACT_STORE,   /* what has been validated */
    ACT_RESTORE, /* activate a stored version */
    ACT_BUILTIN,
    ACT_DELETE, /* a name, or one version */
};
struct act_options {
    enum act_kind kind;
    const char *name;
    uint32_t version;              /* ACT_RESTORE, ACT_DELETE */
    enum script_language language; /* the rest: ACT_DEPLOY, ACT_STORE */
    struct str source;
    const struct script_header *header; /* ACT_STORE */
    const char *message;
    bool activate;
    deploy_done_fn *on_done;
    void *data;
};
/* Copies. One callback, from the loop; to say no more than `refused` when that is not NULL. */
void act_start(struct release *r, const struct act_options *options, const struct err *refused);
void acts_forget(struct release *r, const void *data);
size_t acts_count(const struct release *r); /* under way, but for those of files */
void acts_free(struct release *r);          /* no callback comes */

/* --- policy_files.c */

struct policy_files *policy_files_new(struct release *r);
void policy_files_free(struct policy_files *f);
/* Look at all of them, take what is new, then watch them; release_ready() is called after. */
void policy_files_begin(struct policy_files *f);
const char *policy_files_error(const struct policy_files *f); /* "": none */
/* Is there any, so that somebody wants a policy to run? */
bool policy_files_exist(const struct policy_files *f);
