#include "queen/options.h"

#include "daemon/daemon.h"

static const char *const modes[] = { "home", "lab", "platform", NULL };

#define ROW(member) .offset = offsetof(struct queen_options, member)

/* clang-format off */
static const struct option rows[] = {
    OPTION_COMMON_ROWS(struct queen_options, common, "127.0.0.1:7833"),
    { .name = "mode", .type = OPTION_CHOICE, ROW(mode), .fallback = "home", .metavar = "MODE", .choices = modes,
      .help = "home (loopback, no accounts), lab (tokens on the network) or platform (tenants)" },
    { .name = "scheduler", .type = OPTION_TEXT, ROW(scheduler), .metavar = "NAME|FILE",
      .help = "Who decides where jobs go: platform (the built-in policy), simple (the first worker with the model and a free slot), or a policy of yours in a FILE (.lua, .yaml, .rhai). It decides from each start until another is deployed; the default is the policy that was active before, else platform" },
    { .name = "set", .type = OPTION_LIST, ROW(settings), .metavar = "NAME=VALUE",
      .help = "A setting that policies read: the platform policy's knobs, which are checked, and what your own ask for" },
    { .name = "policies-dir", .type = OPTION_TEXT, ROW(policies_dir), .metavar = "DIR",
      .help = "Read and watch policies in this directory; the default is policies.d in the state directory, if it is there" },
    { .name = "policy-host", .type = OPTION_TEXT, ROW(policy_host), .metavar = "PROGRAM",
      .help = "The program that runs users' policies, where it is not beside this one" },
    { .name = "unsandboxed-policies", .type = OPTION_FLAG, ROW(unsandboxed_policies),
      .help = "Run users' policies also where the kernel refuses seccomp" },
    { .name = "worker", .letter = 'w', .type = OPTION_LIST, ROW(workers), .metavar = "URL,model=NAME[,slots=N][,kind=openai|rbee][,key-file=FILE][,id=ID][,label.K=V]",
      .help = "Use an existing OpenAI-compatible endpoint as a worker" },
    { .name = "hive-token-file", .type = OPTION_TEXT, ROW(hive_token_file), .metavar = "FILE",
      .help = "Ask hives for the token in this file, and show it to them" },
    { .name = "admin-token-file", .type = OPTION_TEXT, ROW(admin_token_file), .metavar = "FILE",
      .help = "Ask for the token in this file before starting, stopping or changing anything" },
    { .name = "allow-host", .type = OPTION_LIST, ROW(hosts), .metavar = "NAME",
      .help = "Answer requests for this host name too (behind a proxy, for instance)" },
    { .name = "allow-worker-address", .type = OPTION_LIST, ROW(worker_addresses), .metavar = "ADDRESS",
      .help = "Believe heartbeats that name this address, whoever sends them" },
    { .name = "queue-max", .type = OPTION_INT, ROW(queue_max), .fallback = "100000", .metavar = "N", .min = 0, .max = 10000000,
      .help = "Jobs that may wait; beyond it 429 queue_full" },
    { .name = "queue-bytes", .type = OPTION_SIZE, ROW(queue_bytes), .fallback = "1g", .metavar = "SIZE", .min = 0, .max = 1e13,
      .help = "Memory that waiting jobs may hold; beyond it 429 queue_full" },
    { .name = "queue-timeout", .type = OPTION_DURATION, ROW(queue_timeout_ms), .fallback = "300s", .metavar = "TIME", .min = 1, .max = 86400000,
      .help = "Longest wait for a worker; beyond it 503 queue_timeout" },
    { .name = "attempts", .type = OPTION_INT, ROW(attempts), .fallback = "3", .metavar = "N", .min = 1, .max = JOB_ATTEMPTS_MAX,
      .help = "Workers that one job may be sent to before the first byte" },
    { .name = "connect-timeout", .type = OPTION_DURATION, ROW(connect_timeout_ms), .fallback = "5s", .metavar = "TIME", .min = 1, .max = 86400000,
      .help = "To a worker" },
    { .name = "first-token-timeout", .type = OPTION_DURATION, ROW(first_token_timeout_ms), .fallback = "300s", .metavar = "TIME", .min = 0, .max = 86400000,
      .help = "From dispatch to the first token of a stream; 0 for none" },
    { .name = "token-timeout", .type = OPTION_DURATION, ROW(token_timeout_ms), .fallback = "60s", .metavar = "TIME", .min = 0, .max = 86400000,
      .help = "Longest silence of a worker within a stream; 0 for none" },
    { .name = "total-timeout", .type = OPTION_DURATION, ROW(total_timeout_ms), .fallback = "1h", .metavar = "TIME", .min = 0, .max = 864000000,
      .help = "Longest run of one attempt; 0 for none" },
    { .name = "body-max", .type = OPTION_SIZE, ROW(body_bytes), .fallback = "32m", .metavar = "SIZE", .min = 1024, .max = 1073741824,
      .help = "Largest request body; beyond it 413" },
    { .name = "bodies-max", .type = OPTION_SIZE, ROW(bodies_bytes), .fallback = "2g", .metavar = "SIZE", .min = 1024, .max = 1e13,
      .help = "Memory for all request bodies at once; beyond it 503" },
    { .name = "connections-max", .type = OPTION_INT, ROW(connections), .fallback = "100000", .metavar = "N", .min = 1, .max = 1000000,
      .help = "Open connections of clients and hives" },
    { .name = "drain-timeout", .type = OPTION_DURATION, ROW(drain_ms), .fallback = "30s", .metavar = "TIME", .min = 0, .max = 86400000,
      .help = "How long running requests may go on after SIGTERM" },
    { 0 },
};
/* clang-format on */

const struct option_program queen_program = {
    .name = "queen-rbee",
    .summary = "The brain of a private LLM cloud: admits, queues, schedules and streams.",
    .usage = "[OPTION]...",
    .description =
        "Serves the OpenAI-compatible API and the jobs API, learns of workers by the heartbeats "
        "of their hives, and relays tokens from workers to clients. Bound to anything but "
        "loopback it refuses to start without a token.",
    .env_prefix = "RBEE_",
    .options = rows,
    .exits = daemon_exits,
};

static int take_addresses(const struct queen_options *o, struct queen_config *c, struct err *err)
{
    for (size_t i = 0; i < o->worker_addresses.len; i++) {
        const char *address = o->worker_addresses.items[i];
        if (i == QUEEN_WORKER_ADDRESSES_MAX ||
            !str_copy(c->worker_addresses[i], ADDRESS_SIZE, str_of(address)))
            return err_set(err, ERR_INVALID, "--allow-worker-address %s: too long, or too many",
                           address);
        c->worker_addresses_len++;
    }
    return 0;
}

/* What is no built-in policy is a file. */
static void take_policies(const struct queen_options *o, struct policies_config *c)
{
    bool is_simple = o->scheduler && strcmp(o->scheduler, "simple") == 0;

    c->use_platform = !is_simple;
    c->begins_built_in = is_simple || (o->scheduler && strcmp(o->scheduler, "platform") == 0);
    c->file = c->begins_built_in ? NULL : o->scheduler;
    c->is_immutable = strcmp(modes[o->mode], "platform") == 0;
    c->drop_in_dir = o->policies_dir;
    c->sandbox.host_path = o->policy_host;
    c->sandbox.allow_without_seccomp = o->unsandboxed_policies;
}

int queen_options_config(const struct queen_options *o, struct queen_config *ret, struct err *err)
{
    struct queen_config c;

    queen_config_init(&c);
    c.mode = modes[o->mode];
    take_policies(o, &c.policies);
    c.core.queue_jobs_max = (size_t)o->queue_max;
    c.core.queue_bytes_max = o->queue_bytes;
    c.core.queue_timeout_ms = o->queue_timeout_ms;
    c.core.attempts_max = (unsigned)o->attempts;
    c.timeouts = (struct run_timeouts){
        .connect_ms = o->connect_timeout_ms,
        .first_token_ms = o->first_token_timeout_ms,
        .between_ms = o->token_timeout_ms,
        .total_ms = o->total_timeout_ms,
    };
    int rc = take_addresses(o, &c, err);
    if (rc == 0 && c.policies.is_immutable && c.policies.file)
        rc = err_set(err, ERR_INVALID,
                     "--scheduler %s: in platform mode only the built-in policies run",
                     o->scheduler);
    if (rc == 0)
        *ret = c;
    return rc;
}
