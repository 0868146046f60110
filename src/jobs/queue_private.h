/*
 * queue_private - what the parts of the queue share: queue.c (in and out, time, doubts),
 * queue_lanes.c (who stands where), queue_next.c (whose turn on a worker), queue_first.c
 * (the order as a whole). Nobody else includes it.
 *
 *     line (a model) --> turn (one tenant's) --> stand (its jobs of one band)
 *         \                    \
 *          --> gate (equal constraints) --> lane (one stand's jobs before one gate)
 *
 * A job is in two orders: its stand's, of all that its tenant has in the band, and its
 * lane's. Stands and lanes of one tenant move together when its counter does.
 *
 * A job's start is its tenant's counter plus the cost of what the tenant has before it: what
 * the counter will be when its turn comes. The order within a band is by start. On a worker,
 * what the tenant has before it for that worker counts.
 */
#pragma once

#include "base/map.h"
#include "base/mem.h"
#include "jobs/queue.h"

enum { BANDS = JOB_PRIORITY_COUNT_, SHARE_OF = 100 };

/* One tenant's jobs of one band of one model. */
struct stand {
    struct turn *turn;
    struct order jobs; /* job.place.in_turn; weights are costs */
    struct order_node in_band;

    /* While job_queue_first() runs: the next job of it, and its start. */
    struct order_node in_opened;
    const struct job *head;
    double head_start;
    uint64_t head_cost; /* of all before it */
};

/* One tenant's jobs of one model. */
struct turn {
    struct line *line;
    uint64_t number;        /* of equal counters the lower one is first */
    double counter, weight; /* fairness's, as the orders know them */
    struct list lanes;      /* lane.in_turn; never empty but while it is made */
    struct stand stands[BANDS];
};

/* What all jobs that may run on the same workers wait before. */
struct gate {
    struct line *line;
    bool is_returned, is_pinned; /* its jobs are */
    struct order lanes[BANDS];   /* lane.in_gate; never all empty but while it is made */
    struct list in_line;
    struct list in_returned; /* line.returned */
    struct list in_doubt;    /* job_queue.doubted */
};

struct lane {
    struct gate *gate;
    struct turn *turn;
    enum job_priority band;
    struct order jobs; /* job.place.in_lane, weights are costs; never empty for long */
    struct order_node in_gate;
    struct list in_turn;
};

struct band {
    struct order stands; /* stand.in_band */
    size_t count;        /* jobs */

    /* While job_queue_first() runs: stands that it has come to, by their heads' starts, and
     * the next one. */
    struct order opened;
    struct order_node *unopened;
};

/* Jobs whose answers are limited alike: to numbers of as many binary digits. */
enum { LIMIT_BITS_MAX = 20, LIMITS = LIMIT_BITS_MAX + 1 }; /* beyond: as good as none */
struct limit {
    size_t jobs;
    uint64_t tokens; /* of all their limits */
};

/* All that wait for one model. */
struct line {
    uint64_t prompt_tokens;
    struct limit limits[LIMITS];
    struct band bands[BANDS];
    struct gate *open;    /* neither returned nor pinned; NULL: none waits there */
    struct list gates;    /* gate.in_line: all of them */
    struct list returned; /* gate.in_returned */
    size_t pinned_gates;  /* that are not returned */
    size_t turns;
    struct list in_doubt; /* job_queue.doubted_lines */
    unsigned owed;        /* to the lower band, in SHARE_OF-ths of a dispatch */

    /* While job_queue_first() runs. */
    struct order_node in_heads;
    const struct job *head;
    bool is_head_upper; /* by its band, or because it is due */
    unsigned head_owed;
};

/* A gate that is open to the worker that is asked about. */
struct ahead {
    const struct gate *gate;
    const struct lane *lane; /* there, of the tenant that is looked at; NULL: none */
};

struct job_queue {
    struct job_queue_options options;
    struct fairness *fairness;
    struct map lines;          /* model -> struct line */
    struct map gates;          /* constraints -> struct gate */
    struct map turns;          /* model and tenant -> struct turn */
    struct list entries;       /* job.in_entries, by entered_ms */
    struct list aging;         /* job.in_aging, by entered_ms: those that will move up a band */
    struct list doubted;       /* gate.in_doubt */
    struct list doubted_lines; /* line.in_doubt: all of their gates */
    struct ahead *ahead;       /* while job_queue_next() runs */
    size_t ahead_len, ahead_cap;
    uint64_t numbers;
    struct job_queue_stats stats;
};

/* --- Places ---------------------------------------------------------------------- */

/* Whose jobs of one tenant are first: < 0, 0, > 0. */
int place_compare(const struct job_place *a, const struct job_place *b);
struct job_place place_of(const struct job *job); /* not in any order */

int turn_compare(const struct turn *a, const struct turn *b);
double start_behind(const struct turn *turn, uint64_t cost_before);

const struct lane *first_lane(const struct gate *gate, enum job_priority band); /* or NULL */
struct lane *find_lane(const struct gate *gate, enum job_priority band, struct turn *turn);
struct job *gate_first(const struct gate *gate);

/* NULL: nobody waits there. */
struct line *find_line(const struct job_queue *q, const char *model);
struct gate *find_gate(const struct job_queue *q, const struct job *job);
struct gate *find_gate_of_pins(const struct job_queue *q, const char *model, const char *worker_id,
                               const char *hive_id);
struct turn *find_turn(const struct job_queue *q, const char *tenant_id, const char *model);

/* Put the job behind its gate, in a band; take it out, and what is empty then. */
void enter_lane(struct job_queue *q, struct job *job, enum job_priority band);
void leave_lane(struct job_queue *q, struct job *job);
void change_lane(struct job_queue *q, struct job *job, enum job_priority band);

fairness_moved_fn turn_moved;

/* --- Bands ------------------------------------------------------------------------ */

/* What is owed to the lower band after a dispatch from `band`, when `is_waiting`. */
unsigned owe(const struct job_queue *q, unsigned owed, enum job_priority band, bool is_waiting);
/* Is it so much that its turn has come? */
bool is_due(const struct job_queue *q, unsigned owed);
