/*
 * rbee-keeper (rbee) - the command line: finds the command in the tree, reads its
 * options, runs it.
 */
#include "keeper/help.h"
#include "keeper/keeper.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HELP_BYTES_MAX = 256 * 1024 };

static const char SUMMARY[] = "Drive a private LLM cloud: queen, hives, workers.";

const struct command *const keeper_commands[] = {
    &cmd_infer, &cmd_status, &cmd_worker, &cmd_model,      &cmd_policy, &cmd_queen,
    &cmd_hive,  &cmd_logs,   &cmd_man,    &cmd_completion, NULL,
};

static int fail_usage(const char *path, const char *what)
{
    (void)fprintf(stderr, "rbee: %s\nRun '%s --help' to see what there is.\n", what, path);
    return EXIT_USAGE;
}

static int fail_command(const char *path, const char *name)
{
    const char *why =
        name[0] == '-' ? "options come after the command, found" : "there is no command";
    char what[256];

    (void)snprintf(what, sizeof(what), "%s '%s'", why, name);
    return fail_usage(path, what);
}

static int fail_operands(const char *path, const struct command *command, int len)
{
    char what[256];

    (void)snprintf(what, sizeof(what), "too %s operands; usage: %s %s",
                   len < command->operands_min ? "few" : "many", path, command->usage);
    return fail_usage(path, what);
}

/* A full disk or a closed pipe must not look like an answer. */
static int fail_output(void)
{
    (void)fputs("rbee: the answer could not be written to standard output\n", stderr);
    return EXIT_FAILED;
}

static void print(struct buf *text, FILE *to)
{
    struct str s = buf_str(text);

    (void)fwrite(s.p, 1, s.len, to);
}

static const struct command *find(const struct command *const *commands, const char *name)
{
    for (; *commands; commands++)
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    return NULL;
}

static void on_sigint(void *data, int signum)
{
    struct keeper *k = data;

    (void)signum;
    k->interrupted = true;
    if (k->on_interrupt)
        k->on_interrupt(k->on_interrupt_data);
    else
        loop_stop(k->loop);
}

static int keeper_init(struct keeper *k, const struct common_options *common, struct err *err)
{
    struct http_client_options client_options;

    *k = (struct keeper){ .json = common->json, .answer_ms = KEEPER_ANSWER_MS };
    k->color = !common->no_color && !getenv("NO_COLOR") && isatty(STDERR_FILENO);
    if (common->token_file) {
        int rc = secret_read(common->token_file, &k->token, err);
        if (rc < 0)
            return rc;
    }
    (void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
    k->loop = loop_new(NULL, NULL);
    http_client_options_init(&client_options);
    k->client = http_client_new(k->loop, &client_options);
    loop_signal(k->loop, SIGINT, on_sigint, k);
    return 0;
}

static void keeper_deinit(struct keeper *k)
{
    http_client_free(k->client);
    loop_free(k->loop);
}

static int run_leaf(const char *path, const struct command *command, int argc, char **argv)
{
    struct option_program program = help_program(path, command);
    struct option_result result = { 0 };
    char config[PATH_MAX];
    struct keeper k;
    struct err err;

    AUTO(free_ptr) struct common_options *options = calloc(1, command->options_size);
    if (!options)
        abort();
    bool has_config = file_default_config("config.toml", config, sizeof(config), &err) == 0;
    if (options_load(&program, argc, argv, has_config ? config : NULL, options, &result, &err) < 0)
        return fail_usage(path, err.msg);
    int rc = EXIT_DONE;
    if (options->help) {
        struct buf text;
        buf_init(&text, HELP_BYTES_MAX);
        help_leaf(path, command, &text);
        print(&text, stdout);
        buf_deinit(&text);
    } else if (result.operands_len < command->operands_min ||
               result.operands_len > command->operands_max) {
        rc = fail_operands(path, command, result.operands_len);
    } else if (keeper_init(&k, options, &err) < 0) {
        rc = fail_usage(path, err.msg);
    } else {
        rc = command->run(&k, options, result.operands_len, result.operands);
        if (rc == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout)))
            rc = fail_output();
        keeper_deinit(&k);
    }
    options_free(&program, options);
    return rc;
}

static int run_branch(const char *path, const char *summary, const struct command *const *commands,
                      int argc, char **argv)
{
    char child[COMMAND_PATH_SIZE];
    struct buf text;

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("rbee-keeper %s\n", RBEE_VERSION);
        return EXIT_DONE;
    }
    bool wants_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                                   strcmp(argv[1], "help") == 0);
    if (argc < 2 || wants_help) {
        buf_init(&text, HELP_BYTES_MAX);
        help_branch(path, summary, commands, &text);
        print(&text, wants_help ? stdout : stderr);
        buf_deinit(&text);
        return wants_help ? EXIT_DONE : EXIT_USAGE;
    }
    const struct command *command = find(commands, argv[1]);
    if (!command)
        return fail_command(path, argv[1]);
    (void)snprintf(child, sizeof(child), "%s %s", path, command->name);
    if (command->children)
        return run_branch(child, command->summary, command->children, argc - 1, argv + 1);
    return run_leaf(child, command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    log_setup("rbee", LOG_WARN, LOG_TEXT);
    return run_branch("rbee", SUMMARY, keeper_commands, argc, argv);
}
