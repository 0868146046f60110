/* decision_view - records of decisions, for people: the list, one with its candidates, and
 * the words that other views have for them. */
#pragma once

#include "base/buf.h"

#include <stdio.h>

/* The queen's array of records as a table, newest first. */
void decision_view_print_list(struct str records, FILE *to);

/* One record with its candidates. */
void decision_view_print_one(struct str record, FILE *to);

/* "dispatch to w2: least loaded"; several stand between semicolons, each with its job. */
void decision_put_words(struct buf *out, struct str decision);

/* "home@3", or "platform": whose decision acted. */
void decision_put_policy(struct buf *out, struct str record);

/* "3 ms", "1.2 s", "5 min" */
void decision_put_ms(struct buf *out, uint64_t ms);

/* Why a worker was not among those that could run the job, in the words of the past: "all of
 * its slots were taken". NULL for "ok" and for what is not known here. */
const char *decision_verdict_words(const char *verdict);
