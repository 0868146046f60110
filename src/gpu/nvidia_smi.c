#include "gpu/nvidia_smi.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "gpu/run.h"

#include <stdio.h>
#include <string.h>

enum { OUTPUT_BYTES_MAX = 256 * 1024 };

/* --- Lines and cells --------------------------------------------------------- */

static bool next_line(struct str *text, struct str *ret)
{
    if (!text->p || text->len == 0)
        return false;
    const char *end = memchr(text->p, '\n', text->len);
    size_t len = end ? (size_t)(end - text->p) : text->len;
    size_t taken = end ? len + 1 : len;
    *ret = (struct str){ text->p, len };
    *text = (struct str){ text->p + taken, text->len - taken };
    return true;
}

/* Take the cell before the first comma off the front. */
static bool cut_first(struct str *line, struct str *ret)
{
    const char *comma = line->len ? memchr(line->p, ',', line->len) : NULL;

    if (!comma)
        return false;
    *ret = str_trim((struct str){ line->p, (size_t)(comma - line->p) });
    *line = (struct str){ comma + 1, line->len - (size_t)(comma + 1 - line->p) };
    return true;
}

/* Take the cell behind the last comma off the end. */
static bool cut_last(struct str *line, struct str *ret)
{
    const char *comma = line->len ? memrchr(line->p, ',', line->len) : NULL;

    if (!comma)
        return false;
    *ret = str_trim((struct str){ comma + 1, line->len - (size_t)(comma + 1 - line->p) });
    line->len = (size_t)(comma - line->p);
    return true;
}

/* --- Parsers ------------------------------------------------------------------- */

void nvidia_smi_parse_gpus(struct str text, struct gpu_sample *ret)
{
    struct str line, index, uuid, total, used, util;
    uint64_t n, percent;

    while (next_line(&text, &line) && ret->gpus_len < GPUS_PER_MACHINE_MAX) {
        struct gpu g = { 0 };
        if (!cut_first(&line, &index) || !cut_first(&line, &uuid) || !cut_last(&line, &util) ||
            !cut_last(&line, &used) || !cut_last(&line, &total) || !parse_u64_str(index, &n) ||
            n > UINT16_MAX || !str_copy(g.uuid, sizeof(g.uuid), uuid) ||
            !str_copy(g.name, sizeof(g.name), str_trim(line)))
            continue;
        g.index = (uint32_t)n;
        (void)snprintf(g.id, sizeof(g.id), "cuda:%u", g.index);
        g.has_memory =
            parse_u64_str(total, &g.memory_total_mb) && parse_u64_str(used, &g.memory_used_mb);
        if (!g.has_memory)
            g.memory_total_mb = g.memory_used_mb = 0;
        g.has_util = parse_u64_str(util, &percent) && percent <= 100;
        g.util_pct = g.has_util ? (double)percent : 0;
        ret->gpus[ret->gpus_len++] = g;
    }
}

static bool find_gpu(const struct gpu_sample *s, struct str uuid, uint32_t *ret)
{
    for (size_t i = 0; i < s->gpus_len; i++)
        if (str_eq(uuid, s->gpus[i].uuid)) {
            *ret = (uint32_t)i;
            return true;
        }
    return false;
}

void nvidia_smi_parse_processes(struct str text, struct gpu_sample *ret)
{
    struct str line, uuid, pid, memory;
    uint64_t n;

    while (next_line(&text, &line) && ret->processes_len < GPU_PROCESSES_MAX) {
        struct gpu_process p = { 0 };
        if (!cut_first(&line, &uuid) || !cut_first(&line, &pid) || !cut_last(&line, &memory) ||
            !parse_u64_str(pid, &n) || n > INT32_MAX || !find_gpu(ret, uuid, &p.gpu))
            continue;
        p.pid = (uint32_t)n;
        p.has_memory = parse_u64_str(memory, &p.memory_mb);
        ret->processes[ret->processes_len++] = p;
    }
}

/* --- Running it ------------------------------------------------------------------ */

/* It tells its troubles on stdout; the first line says most. */
static int explain(const struct buf *output, int exit_code, struct err *err)
{
    struct str text = buf_str(output), line = { 0 };

    (void)next_line(&text, &line);
    return err_set(err, ERR_UPSTREAM, "nvidia-smi failed with code %d: %.*s", exit_code,
                   line.len > 200 ? 200 : (int)line.len, line.len ? line.p : "");
}

static int query(const char *program, const char *what, uint64_t timeout_ms, struct buf *output,
                 struct err *err)
{
    const char *argv[] = { program, what, "--format=csv,noheader,nounits", NULL };
    int exit_code;

    buf_clear(output);
    int rc = run_limited(argv, timeout_ms, output, &exit_code, err);
    if (rc == 0 && exit_code != 0)
        rc = explain(output, exit_code, err);
    return rc;
}

int nvidia_smi_look(const char *program, uint64_t timeout_ms, struct gpu_sample *ret,
                    struct err *err)
{
    AUTO(buf_deinit) struct buf output;
    struct err no_processes;
    buf_init(&output, OUTPUT_BYTES_MAX);
    int rc = query(program, "--query-gpu=index,uuid,name,memory.total,memory.used,utilization.gpu",
                   timeout_ms, &output, err);

    if (rc < 0)
        return rc;
    nvidia_smi_parse_gpus(buf_str(&output), ret);
    if (query(program, "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory", timeout_ms,
              &output, &no_processes) == 0)
        nvidia_smi_parse_processes(buf_str(&output), ret);
    else
        (void)str_copy(ret->problem, sizeof(ret->problem), str_of(no_processes.msg));
    return 0;
}
