/*
 * process - the process of a policy host: its start, and the memory that it is handed.
 *
 * posix_spawn() and not fork(): a fork would carry the queen's heap (keys, prompts) into the
 * host and stop the loop for as long as copying its page tables takes.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "script/script.h"

#include <stdbool.h>
#include <sys/types.h>

struct process_options {
    const char *path; /* of the host program */
    enum script_language language;
    const char *name;
    size_t memory_bytes;
    unsigned soft_ms, hard_ms; /* hard_ms: how long its answers are waited for */
    int niceness;
    bool want_text, allow_without_seccomp;
    int snapshot_fd, source_fd; /* of process_memory(); stay the caller's */
};

struct process {
    pid_t pid;
    int pidfd;  /* readable when it has ended; the owner reaps */
    int socket; /* SOCK_SEQPACKET, not blocking */
};

/* Errors: ERR_SYSTEM with the reason ("cannot execute '/x': No such file"). */
MUST_CHECK int process_start(const struct process_options *options, struct process *ret,
                             struct err *err);

/* Kill it, if it lives. Its end is not waited for. */
void process_kill(const struct process *host);

/* Memory in a descriptor that can be sealed and handed over; negative: `err`. */
MUST_CHECK int process_memory(const char *name, size_t size, struct err *err);

/* A policy's text, sealed; at most WIRE_SOURCE_BYTES_MAX of it. */
MUST_CHECK int process_source(struct str text, struct err *err);

/* Where the host program stands: beside this program, or in ../libexec/rbee. */
MUST_CHECK int process_find(char *ret, size_t size, struct err *err);
