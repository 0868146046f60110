#include "supervisor/procfs.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "supervisor/kernel_text.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <string.h>

/* --- Single files -------------------------------------------------------- */

/* Fields of /proc/PID/stat, counted from the one after the command name (proc(5)). */
enum {
    STAT_STATE = 0,
    STAT_PGRP = 2,
    STAT_UTIME = 11,
    STAT_STIME = 12,
    STAT_START = 19,
    STAT_FIELDS,
};

static bool parse_pid(struct str word, pid_t *ret)
{
    uint64_t n;

    if (!parse_u64_str(word, &n) || n > INT_MAX)
        return false;
    *ret = (pid_t)n;
    return true;
}

bool procfs_parse_stat(struct str text, struct proc_stat *ret)
{
    struct proc_stat stat = { 0 };
    struct str head, rest, fields[STAT_FIELDS];
    uint64_t utime, stime;

    /* The name is free text in parentheses, so only the last one closes it. */
    const char *open = text.p ? memchr(text.p, '(', text.len) : NULL;
    const char *close = open ? memrchr(open, ')', text.len - (size_t)(open - text.p)) : NULL;
    if (!close)
        return false;
    head = (struct str){ text.p, (size_t)(open - text.p) };
    rest = (struct str){ close + 1, text.len - (size_t)(close + 1 - text.p) };
    for (size_t i = 0; i < STAT_FIELDS; i++)
        if (!kernel_text_word(&rest, &fields[i]))
            return false;
    stat.state = fields[STAT_STATE].p[0];
    if (!isalpha((unsigned char)stat.state) || !parse_pid(str_trim(head), &stat.pid) ||
        !parse_pid(fields[STAT_PGRP], &stat.pgrp) || !parse_u64_str(fields[STAT_UTIME], &utime) ||
        !parse_u64_str(fields[STAT_STIME], &stime) ||
        !parse_u64_str(fields[STAT_START], &stat.start_ticks) ||
        __builtin_add_overflow(utime, stime, &stat.cpu_ticks))
        return false;
    *ret = stat;
    return true;
}

bool procfs_parse_rss(struct str text, uint64_t *ret_bytes)
{
    uint64_t kib;

    if (!kernel_text_number(text, "VmRSS", &kib) || kib > UINT64_MAX / 1024)
        return false;
    *ret_bytes = kib * 1024;
    return true;
}

bool procfs_parse_io(struct str text, uint64_t *ret_read_bytes, uint64_t *ret_write_bytes)
{
    uint64_t read_bytes, write_bytes;

    if (!kernel_text_number(text, "read_bytes", &read_bytes) ||
        !kernel_text_number(text, "write_bytes", &write_bytes))
        return false;
    *ret_read_bytes = read_bytes;
    *ret_write_bytes = write_bytes;
    return true;
}

/* Take the first NUL-ended word off. */
static bool next_argument(struct str *cmdline, struct str *ret)
{
    if (cmdline->len == 0)
        return false;
    const char *end = memchr(cmdline->p, '\0', cmdline->len);
    size_t len = end ? (size_t)(end - cmdline->p) : cmdline->len;
    size_t taken = end ? len + 1 : len;
    *ret = (struct str){ cmdline->p, len };
    *cmdline = (struct str){ cmdline->p + taken, cmdline->len - taken };
    return true;
}

static bool find_option(struct str cmdline, const char *name, struct str *ret)
{
    struct str word;
    size_t name_len = strlen(name);

    while (next_argument(&cmdline, &word)) {
        if (str_eq(word, name))
            return next_argument(&cmdline, ret);
        if (str_starts(word, name) && word.p[name_len] == '=') {
            *ret = (struct str){ word.p + name_len + 1, word.len - name_len - 1 };
            return true;
        }
    }
    return false;
}

bool procfs_cmdline_option(struct str cmdline, const char *const *names, char *ret, size_t size)
{
    struct str value;

    for (; *names; names++)
        if (find_option(cmdline, *names, &value))
            return value.len > 0 && str_copy(ret, size, value);
    return false;
}

/* --- Groups --------------------------------------------------------------- */

/* A process at one look: counters since it began. */
struct proc_member {
    pid_t pid;
    uint64_t start_ticks, cpu_ticks, read_bytes, write_bytes;
};

enum {
    STATUS_BYTES_MAX = 16384,
    PATH_BYTES_MAX = 512,
    MEMBERS_FIRST = 8,
};

struct scan { /* one look at one group */
    struct proc_group *group;
    struct proc_member *now;
    size_t now_len;
};

void proc_group_init(struct proc_group *g, pid_t pgid)
{
    *g = (struct proc_group){ .pgid = pgid };
}

void proc_group_deinit(struct proc_group *g)
{
    free(g->members);
    g->members = NULL;
    g->members_len = 0;
}

static bool read_proc(const char *root, const char *pid, const char *name, struct buf *out)
{
    char path[PATH_BYTES_MAX];
    struct buf p;
    struct err err;

    buf_init_fixed(&p, path, sizeof(path));
    buf_clear(out);
    return buf_printf(&p, "%s/%s/%s", root, pid, name) && file_read(buf_cstr(&p), out, &err) == 0;
}

static struct scan *scan_of(struct scan *scans, size_t len, pid_t pgrp)
{
    for (size_t i = 0; i < len; i++)
        if (scans[i].group->pgid == pgrp)
            return &scans[i];
    return NULL;
}

static const struct proc_member *member_before(const struct proc_group *g,
                                               const struct proc_member *now)
{
    static const struct proc_member none;

    for (size_t i = 0; i < g->members_len; i++)
        if (g->members[i].pid == now->pid && g->members[i].start_ticks == now->start_ticks)
            return &g->members[i];
    return &none;
}

static uint64_t grown(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static uint64_t ticks_to_us(uint64_t ticks)
{
    return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void count_member(struct scan *s, const struct proc_member *now)
{
    const struct proc_member *before = member_before(s->group, now);
    struct usage *total = &s->group->total;

    total->cpu_us += ticks_to_us(grown(before->cpu_ticks, now->cpu_ticks));
    total->read_bytes += grown(before->read_bytes, now->read_bytes);
    total->write_bytes += grown(before->write_bytes, now->write_bytes);
    if (s->now_len >= MEMBERS_FIRST ? (s->now_len & (s->now_len - 1)) == 0 : s->now_len == 0) {
        size_t cap = s->now_len ? s->now_len * 2 : MEMBERS_FIRST;
        s->now = mem_resize(s->now, cap * sizeof(*s->now));
    }
    s->now[s->now_len++] = *now;
}

static void look_at(const char *root, const char *pid, struct scan *scans, size_t scans_len,
                    struct buf *text)
{
    struct proc_stat stat;
    uint64_t rss = 0;

    if (!read_proc(root, pid, "stat", text) || !procfs_parse_stat(buf_str(text), &stat))
        return;
    struct scan *s = scan_of(scans, scans_len, stat.pgrp);
    if (!s || s->now_len == PROC_GROUP_MEMBERS_MAX)
        return;
    struct proc_member now = { stat.pid, stat.start_ticks, stat.cpu_ticks, 0, 0 };
    if (read_proc(root, pid, "io", text))
        (void)procfs_parse_io(buf_str(text), &now.read_bytes, &now.write_bytes);
    if (read_proc(root, pid, "status", text) && procfs_parse_rss(buf_str(text), &rss))
        s->group->total.rss_bytes += rss;
    count_member(s, &now);
}

void proc_groups_sample(const char *root, struct proc_group **groups, size_t groups_len)
{
    DIR *dir = groups_len > 0 ? opendir(root) : NULL;
    if (!dir)
        return;
    struct scan *scans = mem_alloc(groups_len, sizeof(*scans));
    struct buf text;
    struct dirent *entry;

    buf_init(&text, STATUS_BYTES_MAX);
    for (size_t i = 0; i < groups_len; i++) {
        scans[i].group = groups[i];
        groups[i]->total.rss_bytes = 0;
    }
    while ((entry = readdir(dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            look_at(root, entry->d_name, scans, groups_len, &text);
    for (size_t i = 0; i < groups_len; i++) {
        free(groups[i]->members);
        groups[i]->members = scans[i].now;
        groups[i]->members_len = scans[i].now_len;
    }
    free(scans);
    buf_deinit(&text);
    (void)closedir(dir);
}
