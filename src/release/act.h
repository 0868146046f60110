/*
 * act - one change of the policy, from its request to its end; for the files of acts alone:
 *
 *     waiting --> validation --validated--> in line --its turn--> store --> loading --> active
 *     '--------- act_check.c -----------'  '---------------- act_turn.c ------------------'
 *
 *   act.c         life, ends, and who is next
 *
 * A deploy enters at the left, others further to the right. Whatever goes wrong ends it, and
 * the active policy stays. A few deploys are validated at once, but those of one name one after
 * the other, whole: their versions are in the order of their coming. Files are written on
 * another thread, by one act at a time.
 */
#pragma once

#include "release/release_private.h"

struct act {
    struct release *r;
    struct list link;    /* in release.acts */
    struct list in_line; /* in release.in_line, or alone */
    enum act_kind kind;
    char name[STORE_MESSAGE_SIZE]; /* as it was asked for: the store judges it */
    char message[STORE_MESSAGE_SIZE];
    enum script_language language;
    struct buf source;
    struct script_header header;
    uint32_t version;
    bool activate;
    deploy_done_fn *on_done; /* NULL: its asker has gone */
    void *data;
    struct loop_timer begin;
    bool is_waiting; /* a deploy, for its validation */
    struct validation *validation;
    struct validation_context recent[1]; /* what the validation borrows */
    struct validation_result checked;
    struct reign *loading;
    unsigned starved;           /* loadings for which the machine had no time */
    struct policy_write *write; /* on another thread now; NULL: none */
    void (*on_written)(struct act *act);
    bool is_orphan; /* its release has gone meanwhile */
    struct deploy_result result;
};

/* --- act.c: each may free the act */

void act_finish(struct act *act); /* well, or as `result` says */
void act_fail(struct act *act);   /* `result.err` says why */
void act_line_up(struct act *act);

/* --- act_check.c */

/* It has begun to be looked at, or waits until others have been. */
void act_check(struct act *act);
/* Somebody has ended, or left the validation: others may begin. */
void act_check_next(struct release *r);

/* --- act_turn.c */

void act_take_turn(struct act *act);
