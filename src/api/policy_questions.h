/*
 * policy_questions - the core's CORE_ASKs, carried out: they gather while the events of a turn of
 * the loop are handled, and then travel to the policy's host in one message; while it is out,
 * the next ones gather. A lonely one leaves in the turn in which it was asked.
 *
 * The questions of a message are of one kind and about one state of the snapshot, over which
 * the host puts what it decides (snapshot/carry.h). Two of one session never travel together:
 * the second is to see where the first went. What comes back becomes the event that the core
 * waits for. Questions that the host did not come to are asked again, of the state by then.
 */
#pragma once

#include "sandbox/sandbox.h"
#include "scheduler/core.h"
#include "trace/trace.h"

struct policies;
struct questions;

struct questions *questions_new(struct policies *p);
void questions_free(struct questions *q);

void questions_ask(struct questions *q, const struct core_action *action);

/* The policy that was asked is gone, and nothing comes of what is out. */
void questions_forget(struct questions *q);

/* While an answer's event is handled: what the policy was asked with, and how it took that.
 * False: this decision is not about an answer. */
bool questions_inputs(struct questions *q, const struct decided *decided, struct trace_inputs *ret);
