/*
 * wire - messages between the queen and a policy host: one SOCK_SEQPACKET message each,
 * binary, both ends from the same build. The queen trusts nothing in what it reads: every
 * length and enum is checked, and nonsense counts as the host's crash.
 */
#pragma once

#include "base/buf.h"
#include "policy/policy.h"

enum {
    WIRE_MESSAGE_BYTES_MAX = 96 * 1024, /* below the kernel's default socket buffer */
    WIRE_FD = 3,                        /* in the host: socket, snapshot, source */
    WIRE_SNAPSHOT_FD = 4,
    WIRE_SOURCE_FD = 5,
    /* Of a policy's text at most this much is handed over: far more than is allowed, so that
     * the host can say how long it is. */
    WIRE_SOURCE_BYTES_MAX = 4 * 1024 * 1024,
    WIRE_CALLS_MAX = 32, /* in one message */
    /* Behind answers of so many bytes there is room for one more, whatever it holds. */
    WIRE_ANSWERS_BYTES = 32 * 1024,
};

/* How a host is started: argv, after its own name. All are there. */
enum wire_argument {
    WIRE_ARG_LANGUAGE = 1, /* script_language_name() */
    WIRE_ARG_MEMORY,       /* bytes of Lua heap */
    WIRE_ARG_SOFT_MS,
    WIRE_ARG_NICENESS,
    WIRE_ARG_PARENT, /* process id of the queen */
    WIRE_ARG_FLAGS,  /* letters, any order */
    WIRE_ARG_NAME,   /* of the policy, in messages */
    WIRE_ARG_COUNT_,
};
enum { WIRE_FLAG_TEXT = 't', WIRE_FLAG_NO_SECCOMP = 'u' };

/* How a host ends by itself when it cannot go on. */
enum wire_exit {
    WIRE_EXIT_USAGE = 2,
    WIRE_EXIT_LIMITS = 70,      /* descriptors or limits could not be given up */
    WIRE_EXIT_DESCRIPTORS = 71, /* snapshot or source is not what it should be */
    WIRE_EXIT_NONSENSE = 72,    /* a question, an answer, or the layout of the snapshot */
};

enum wire_kind {
    WIRE_LOADED,  /* host -> queen, once: the policy and its entry points */
    WIRE_REFUSED, /* host -> queen, once: one diagnostic or more; the host ends then */
    WIRE_TEXT,    /* host -> queen, before LOADED when asked: a piece of the Lua text and map */
    WIRE_CALLS,   /* queen -> host: questions */
    WIRE_ANSWERS, /* host -> queen: to the next ones of them */
};

struct wire_loaded {
    struct policy_info info;
    bool has_seccomp;
    uint64_t load_us;
    size_t memory_bytes;
    struct diagnostics diagnostics; /* warnings */
};

/* Before each answer of a message. */
struct wire_answer_head {
    uint64_t seq; /* of the question */
    uint64_t time_us;
    bool is_last; /* the questions behind it, in the same message, will not be answered */
};

/* Each writes one whole message; false: it does not fit (a bug of ours). */
bool wire_put_loaded(struct buf *b, const struct wire_loaded *loaded);
bool wire_put_refused(struct buf *b, const struct diagnostics *d);
bool wire_put_text(struct buf *b, struct str lua, const uint32_t *line_map, size_t line_map_len,
                   bool is_last);
/* The first question has number `seq`, each other the next. */
bool wire_put_calls(struct buf *b, uint64_t seq, const struct policy_call *calls, size_t len);

/* A message of answers is begun, and then takes one after the other. */
void wire_begin_answers(struct buf *b);
bool wire_add_answer(struct buf *b, const struct wire_answer_head *head,
                     const struct policy_answer *answer);

/* Each false when the message is not exactly one of that kind. */
bool wire_kind(struct str message, enum wire_kind *ret);
bool wire_get_loaded(struct str message, struct wire_loaded *ret);
bool wire_get_refused(struct str message, struct diagnostics *ret);
bool wire_get_text(struct str message, struct script_lua *ret /* appended to */, bool *ret_last);
bool wire_get_calls(struct str message, uint64_t *ret_seq, struct policy_call ret[WIRE_CALLS_MAX],
                    size_t *ret_len);

/* The answers of a message, to be taken off its front until none is left; it has at least one. */
bool wire_open_answers(struct str message, struct str *ret_rest);
bool wire_take_answer(struct str *rest, struct wire_answer_head *ret_head,
                      struct policy_answer *ret);
