/*
 * event_log - the events of a core as bytes, so that they can be run again, and its actions
 * as bytes, so that two runs can be compared.
 *
 * Whoever decides what the core does decides it by events: the same log through a core with
 * the same options gives the same actions, byte for byte. Replay, shadow policies and the
 * simulator read this format. It holds all that an event holds but the tokens that workers
 * want to be shown, which no decision depends on.
 *
 * A log is EVENT_LOG_MAGIC, then records without padding: kind, time, fields; numbers in
 * LEB128, texts with their length in front. Fields follow the build: a log is read by the
 * version that wrote it. What is read is checked for form (lengths, enums, ends), not for
 * truth: the core wants reports that have passed their checks, as at the edge. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "scheduler/core.h"

#define EVENT_LOG_MAGIC "rbee-events 1\n"

enum { EVENT_BYTES_MAX = 64 * 1024 * 1024 }; /* of memory, for one event that is read */

/* A cap that is reached shows in `log->overflowed`. */
void event_log_begin(struct buf *log);
void event_log_add(struct buf *log, const struct core_event *event);

/* An event that was read, and what it points to. */
struct logged_event {
    struct core_event event;
    struct arena arena;
    struct job_spec spec;   /* CORE_JOB_ARRIVED */
    struct hive_facts hive; /* CORE_HIVE_REPORT */
};
void logged_event_init(struct logged_event *e);
void logged_event_deinit(struct logged_event *e);

/* Take the magic off the front. ERR_INVALID: no log, or another version's. */
MUST_CHECK int event_log_open(struct str *log, struct err *err);

/* Take one record off the front of `log`, which is not empty; `e` keeps it until the next.
 * ERR_INVALID: cut off, or nonsense. */
MUST_CHECK int event_log_next(struct str *log, struct logged_event *e, struct err *err);

/* All that the action says. Not made to be read back. */
void action_log_add(struct buf *log, const struct core_action *action);
