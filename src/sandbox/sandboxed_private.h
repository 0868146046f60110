/*
 * sandboxed_private - what the files of one policy share: sandboxed.c (its questions, what its
 * hosts tell, its life) and sandboxed_hosts.c (what it can do now, which hosts it has, what became
 * of those that it lost). Nobody else includes it.
 */
#pragma once

#include "sandbox/breaker.h"
#include "sandbox/internal.h"

enum { NAME_SIZE = 128 };

struct sandboxed {
    struct sandbox *s;
    struct sandboxed_options options; /* `source` and `name` are below */
    char name[NAME_SIZE];
    int source_fd;
    struct view view;
    struct host *active, *spare; /* NULL: none */
    struct breaker breaker;
    bool is_loaded; /* once, by any of its hosts */
    size_t memory_bytes;
    char trouble[DIAGNOSTIC_MESSAGE_SIZE]; /* why the last host was lost, or none started; "" */

    /* The questions that are out. */
    struct policy_call calls[WIRE_CALLS_MAX];
    unsigned left; /* not answered yet; 0: none is out */
    sandbox_answer_fn *on_answer;
    void *data;
    uint64_t asked_us;
    bool is_waiting;             /* for a host to load */
    enum policy_failure at_once; /* they are answered in the next turn: with this */
    struct loop_timer patience;  /* of questions that wait for a host */
    struct loop_timer tell;      /* what a call found out, in a turn of its own */
    struct loop_timer retry;     /* the breaker lets a probe through */
    struct loop_timer respawn;
    enum policy_failure state_told; /* by on_state */
    struct diagnostics refusal;     /* errors > 0: to be told */
};

extern const struct host_events sandboxed_host_events; /* sandboxed.c */

/* sandboxed_hosts.c */
uint64_t sandboxed_now_ms(const struct sandboxed *p);
/* Why every question fails at once now; POLICY_OK: none does. */
enum policy_failure sandboxed_unavailable(const struct sandboxed *p);
/* "rests for 5 s after 3 failures; the last one: …" */
void sandboxed_put_words(const struct sandboxed *p, enum policy_failure failure, char *ret,
                         size_t size);
/* A change is told from the loop, not from here: who is told may free the policy. */
void sandboxed_note_state(struct sandboxed *p);
/* Errors: host_start()'s. */
MUST_CHECK int sandboxed_start_host(struct sandboxed *p, struct host **ret, struct err *err);
bool sandboxed_is_at_start(enum policy_failure failure);
/* A policy that is only tried out gets its host when it is asked. */
void sandboxed_respawn_later(struct sandboxed *p);
void sandboxed_on_respawn(struct loop_timer *timer);
/* A host where there is none: one to ask, and for a live policy a spare, once the first one
 * has shown that the text loads. What cannot be started now is tried again. */
void sandboxed_fill_up(struct sandboxed *p);
/* End the active host; the spare takes over at once. While the breaker is open no other is
 * started, and those of a policy that is only tried out start when they are asked. */
void sandboxed_replace(struct sandboxed *p);
/* A host is gone, or will be. */
void sandboxed_note_loss(struct sandboxed *p, enum policy_failure failure, const char *words);
