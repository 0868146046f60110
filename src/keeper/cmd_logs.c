/* rbee logs - the logs of this machine's daemons and workers. */
#include "keeper/keeper.h"
#include "keeper/launch.h"
#include "keeper/terminal.h"

#include "base/mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FOLLOW_MS = 250, BLOCK_BYTES = 64 * 1024 };

struct logs_options {
    struct common_options common;
    char *state_dir;
    int64_t lines;
    bool follow;
};

/* queen, hive, or the id of a worker of this machine's hive. */
static int log_path(const struct logs_options *o, const char *which, char *path, size_t size,
                    struct err *err)
{
    bool is_queen = strcmp(which, "queen") == 0, is_hive = strcmp(which, "hive") == 0;
    char dir[PATH_MAX];

    if (strchr(which, '/') || which[0] == '.')
        return err_set(err, ERR_INVALID, "'%s' is not queen, hive or a worker's id", which);
    int rc = launch_state_dir(is_queen ? "queen" : "hive", o->state_dir, dir, sizeof(dir), err);
    if (rc == 0)
        (void)snprintf(path, size, is_queen || is_hive ? "%s/%s.log" : "%s/logs/%s.log", dir,
                       which);
    return rc;
}

/* Where the last `lines` lines begin. */
static off_t tail_offset(int fd, off_t size, int64_t lines)
{
    char block[BLOCK_BYTES];
    off_t end = size;

    while (end > 0) {
        off_t start = end > BLOCK_BYTES ? end - BLOCK_BYTES : 0;
        ssize_t got = pread(fd, block, (size_t)(end - start), start);
        for (ssize_t i = got - 1; i >= 0; i--)
            if (block[i] == '\n' && start + i + 1 < size && lines-- == 0)
                return start + i + 1;
        end = got > 0 ? start : 0;
    }
    return 0;
}

static off_t print_from(int fd, off_t offset)
{
    char block[BLOCK_BYTES];
    ssize_t got;

    while ((got = pread(fd, block, sizeof(block), offset)) > 0) {
        terminal_write(stdout, (struct str){ block, (size_t)got });
        offset += got;
    }
    (void)fflush(stdout);
    return offset;
}

static int logs(struct keeper *k, const struct logs_options *o, const char *which, struct err *err)
{
    char path[PATH_MAX + 300];
    struct stat st;

    int rc = log_path(o, which, path, sizeof(path), err);
    if (rc < 0)
        return rc;
    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(err, "no log of '%s' on this machine: %s", which, path);
    off_t at = print_from(fd, tail_offset(fd, st.st_size, o->lines));
    while (o->follow && !k->interrupted) {
        keeper_wait(k, FOLLOW_MS);
        if (fstat(fd, &st) == 0 && st.st_size < at)
            at = 0; /* begun anew */
        at = print_from(fd, at);
    }
    return 0;
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct err err;

    (void)operands_len;
    return logs(k, options, operands[0], &err) < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

#define ROW(member) \
    .flags = OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct logs_options, member)

/* clang-format off */
static const struct option rows[] = {
    { .name = "lines", .letter = 'n', .type = OPTION_INT, ROW(lines), .fallback = "50", .metavar = "N", .min = 0, .max = 1000000,
      .help = "How many of the last lines" },
    { .name = "follow", .letter = 'f', .type = OPTION_FLAG, ROW(follow), .help = "Go on as lines come, until Ctrl-C" },
    { .name = "state-dir", .type = OPTION_TEXT, ROW(state_dir), .metavar = "DIR", .help = "State directory of the daemon" },
    COMMON_ROWS(logs_options),
    { 0 },
};
/* clang-format on */

const struct command cmd_logs = {
    .name = "logs",
    .summary = "Print the log of the queen, the hive or a worker of this machine",
    .usage = "[OPTION]... queen|hive|WORKER",
    .options = rows,
    .options_size = sizeof(struct logs_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
