#include "hive/options.h"

#include "base/file.h"
#include "base/mem.h"
#include "daemon/daemon.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:7835"

#define ROW(member) .offset = offsetof(struct hive_options, member)

/* clang-format off */
static const struct option rows[] = {
    OPTION_COMMON_ROWS(struct hive_options, common, DEFAULT_LISTEN),
    { .name = "port", .letter = 'p', .type = OPTION_INT, ROW(port), .metavar = "N", .min = 0, .max = 65535,
      .help = "Short for --listen 127.0.0.1:N" },
    { .name = "queen-url", .letter = 'q', .type = OPTION_LIST, ROW(queen_urls), .metavar = "URL",
      .help = "Report to this queen each second" },
    { .name = "queen-token-file", .type = OPTION_TEXT, ROW(queen_token_file), .metavar = "FILE",
      .help = "The token to show to queens; by default the one of --token-file" },
    { .name = "hive-id", .type = OPTION_TEXT, ROW(hive_id), .metavar = "ID",
      .help = "This hive's name, by which no other may be called; by default the machine's" },
    { .name = "address", .type = OPTION_TEXT, ROW(advertised), .metavar = "HOST",
      .help = "Where queens reach this machine; by default the address listened on" },
    { .name = "models-dir", .letter = 'm', .type = OPTION_TEXT, ROW(models_dir), .metavar = "DIR",
      .help = "The models: DIR/NAME.gguf or DIR/NAME/*.gguf; by default ~/.local/share/rbee/models" },
    { .name = "worker-ports", .type = OPTION_TEXT, ROW(port_range), .fallback = "8080-8999", .metavar = "FROM-TO",
      .help = "Ports for workers; those in use are left out" },
    { .name = "worker-program", .type = OPTION_TEXT, ROW(worker_program), .metavar = "FILE",
      .help = "The worker to start; by default llm-worker-rbee beside this program" },
    { .name = "label", .type = OPTION_LIST, .flags = OPTION_PAIR, ROW(label_pairs), .metavar = "KEY=VALUE",
      .help = "A label of this machine for the queen's policies" },
    { .name = "allow-host", .type = OPTION_LIST, ROW(hosts), .metavar = "NAME",
      .help = "Answer requests for this host name too" },
    { .name = "start-timeout", .type = OPTION_DURATION, ROW(start_ms), .fallback = "10m", .metavar = "TIME", .min = 1, .max = 86400000,
      .help = "How long a worker may take to load its model" },
    { .name = "drain-timeout", .type = OPTION_DURATION, ROW(drain_ms), .fallback = "30s", .metavar = "TIME", .min = 0, .max = 86400000,
      .help = "How long a worker's running requests may go on before it is told to end" },
    { .name = "kill-timeout", .type = OPTION_DURATION, ROW(terminate_ms), .fallback = "10s", .metavar = "TIME", .min = 1, .max = 3600000,
      .help = "How long a worker that was told to end may take before it is killed" },
    { 0 },
};
/* clang-format on */

const struct option_program hive_program = {
    .name = "rbee-hive",
    .summary = "The hands of one machine: starts, watches and stops workers.",
    .usage = "[OPTION]...",
    .description =
        "Starts workers for models of --models-dir when a queen or a person asks, reports them "
        "and this machine's GPUs to every queen named, and stops them with itself. Each worker's "
        "log is logs/WORKER_ID.log in the state directory. Bound to anything but loopback it "
        "refuses to start without a token.",
    .env_prefix = "RBEE_",
    .options = rows,
    .exits = daemon_exits,
};

/* --- Names and addresses --------------------------------------------------------- */

static bool is_id_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

static int check_id(struct hive_options *o, struct err *err)
{
    enum { ID_MAX = 64 };

    if (gethostname(o->hostname, sizeof(o->hostname) - 1) < 0)
        return err_sys(err, "gethostname");
    const char *id = o->hive_id ? o->hive_id : o->hostname;
    size_t len = strlen(id);
    if (o->hive_id && (len == 0 || len > ID_MAX))
        return err_set(err, ERR_INVALID, "--hive-id must have 1 to %d characters", ID_MAX);
    for (size_t i = 0; i < len && i < ID_MAX; i++) {
        if (o->hive_id && !is_id_char(id[i]))
            return err_set(err, ERR_INVALID, "--hive-id may hold only letters, digits and -_.");
        o->id[i] = (char)(is_id_char(id[i]) ? id[i] : '-');
    }
    return 0;
}

static bool is_wildcard(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Workers listen where the hive does: on loopback when it is there only. */
static int check_addresses(struct hive_options *o, struct err *err)
{
    struct endpoint at;

    (void)str_copy(o->listen_host, sizeof(o->listen_host), str_of("127.0.0.1"));
    for (size_t i = 0; i < o->common.listen.len; i++) {
        int rc = endpoint_parse(str_of(o->common.listen.items[i]), &at, err);
        if (rc < 0)
            return err_wrap(err, "--listen %s", o->common.listen.items[i]);
        if (!endpoint_is_loopback(&at))
            (void)str_copy(o->listen_host, sizeof(o->listen_host), str_of(at.host));
    }
    const char *address = o->advertised                 ? o->advertised
                          : is_wildcard(o->listen_host) ? ""
                                                        : o->listen_host;
    if (!str_copy(o->address, sizeof(o->address), str_of(address)))
        return err_set(err, ERR_INVALID, "--address is too long");
    return 0;
}

/* --- Places ---------------------------------------------------------------------- */

static int check_models_dir(struct hive_options *o, struct err *err)
{
    const char *home = getenv("HOME");
    int len;

    if (o->models_dir)
        len = snprintf(o->models_path, PATH_MAX, "%s", o->models_dir);
    else if (home && home[0] == '/')
        len = snprintf(o->models_path, PATH_MAX, "%s/.local/share/rbee/models", home);
    else
        len = snprintf(o->models_path, PATH_MAX, "/var/lib/rbee/models");
    return len > 0 && len < PATH_MAX ? 0 : err_set(err, ERR_INVALID, "--models-dir is too long");
}

/* llm-worker-rbee stands beside this program, in a build directory as well as installed. */
static int check_worker_program(struct hive_options *o, struct err *err)
{
    char self[PATH_MAX];
    int len;

    if (o->worker_program) {
        len = snprintf(o->worker_path, PATH_MAX, "%s", o->worker_program);
    } else {
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n < 0)
            return err_sys(err, "cannot find this program's directory");
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        len = snprintf(o->worker_path, PATH_MAX, "%.*s/llm-worker-rbee",
                       slash ? (int)(slash - self) : 1, slash ? self : ".");
    }
    return len > 0 && len < PATH_MAX ? 0
                                     : err_set(err, ERR_INVALID, "--worker-program is too long");
}

static int check_state_dir(struct hive_options *o, struct err *err)
{
    if (!o->common.state_dir)
        return file_default_state_dir("hive", o->state_dir, sizeof(o->state_dir), err);
    if (!str_copy(o->state_dir, sizeof(o->state_dir), str_of(o->common.state_dir)))
        return err_set(err, ERR_INVALID, "--state-dir is too long");
    return 0;
}

/* --- Queens ------------------------------------------------------------------------ */

static int check_queens(struct hive_options *o, struct err *err)
{
    const char *token_file = o->queen_token_file ? o->queen_token_file : o->common.token_file;

    if (o->queen_urls.len > QUEENS_MAX)
        return err_set(err, ERR_INVALID, "--queen-url may be given at most %d times", QUEENS_MAX);
    for (size_t i = 0; i < o->queen_urls.len; i++) {
        int rc = endpoint_parse(str_of(o->queen_urls.items[i]), &o->queens[i], err);
        if (rc < 0)
            return err_wrap(err, "--queen-url %s", o->queen_urls.items[i]);
        o->queens_len++;
    }
    return token_file ? secret_read(token_file, &o->queen_token, err) : 0;
}

static int check_labels(struct hive_options *o, struct err *err)
{
    for (size_t i = 0; i < o->label_pairs.len; i++)
        if (labels_set_pair(&o->labels, str_of(o->label_pairs.items[i]), err) < 0)
            return err_wrap(err, "--label %s", o->label_pairs.items[i]);
    return 0;
}

/* --port is --listen by another name: written over it, so that one list remains. */
static int apply_port(struct hive_options *o, struct err *err)
{
    char text[32];

    if (o->port == 0)
        return 0;
    if (o->common.listen.len != 1 || strcmp(o->common.listen.items[0], DEFAULT_LISTEN) != 0)
        return err_set(err, ERR_INVALID,
                       "--port and --listen cannot both be given: say --listen HOST:PORT only");
    for (size_t i = 0; i < o->common.listen.len; i++)
        free(o->common.listen.items[i]);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%lld", (long long)o->port);
    o->common.listen.items = mem_resize(o->common.listen.items, sizeof(char *));
    o->common.listen.items[0] = mem_copy(str_of(text));
    o->common.listen.len = 1;
    return 0;
}

int hive_options_check(struct hive_options *o, struct err *err)
{
    static int (*const checks[])(struct hive_options * o, struct err * err) = {
        apply_port,           check_id,        check_addresses, check_models_dir,
        check_worker_program, check_state_dir, check_queens,    check_labels,
    };
    int rc = port_range_parse(str_of(o->port_range), &o->ports, err);

    if (rc < 0)
        return err_wrap(err, "--worker-ports");
    for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
        rc = checks[i](o, err);
    return rc;
}

void hive_options_free(struct hive_options *o)
{
    labels_free(&o->labels);
    options_free(&hive_program, o);
}
