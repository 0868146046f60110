/* The table as a page for people and as JSON for editors. */
#include "policy/api_private.h"

/* What stands above each object's lines, in the order of the page. */
static const struct {
    enum api_object object;
    const char *title, *words;
} chapters[API_OBJECT_COUNT_] = {
    { API_CONTEXT, "context",
      "The argument of `schedule(context)`, the second of `should_admit`, and a global." },
    { API_JOB, "job", "A request that waits for a worker." },
    { API_USER, "job.user", "Who sent a job." },
    { API_GEO, "geo", "A place: of a job's user, a worker, a pool." },
    { API_WORKER, "worker", "A process that holds one model and runs jobs." },
    { API_POOL, "pool", "A pool is a hive: one machine and its workers." },
    { API_GPU, "gpu", "An element of `pool.gpus`." },
    { API_TENANT, "tenant", "An element of `context.tenants`." },
    { API_MODEL, "model", "An element of `context.models`." },
    { API_METRICS, "context.metrics", "Figures of the whole." },
    { API_SET, "Lists",
      "`context.workers`, `context.pools`, `context.models`, `context.tenants`, `context.queue`, "
      "`pool.workers`, "
      "`pool.gpus`, and what their methods return. `#list`, `list[1]`, `ipairs(list)` and "
      "`pairs(list)` work; "
      "`list.idle()` and `list:idle()` are the same. A list belongs to the call that it was made "
      "in. The first look at the whole of `context.workers` and its like in a call costs "
      "O(workers). Methods that speak of workers are for lists of workers.\n\n"
      "While one job is being decided (`schedule_job`), the methods that choose a worker (`first`, "
      "`last`, `min_by`, "
      "`max_by`, `least_loaded`, `most_vram_free`, `round_robin`, `random`, `power_of_two`, "
      "`warmest`, `lmetric`) "
      "choose among those of the list that can run it now. Where the list has some that could run "
      "it but have no "
      "room, they give nil: returned, that means wait. Where nobody in the list has the job's "
      "model, "
      "they choose "
      "from it as it is." },
    { API_QUEUE, "context.queue", "A list of jobs, with these besides what all lists have." },
    { API_REGISTRY, "registry", "A list of all pools, with these besides what all lists have." },
    { API_HIVES, "hives", "A global." },
    { API_HELPERS, "helpers",
      "`context.helpers` and a global. All of these are also global functions, and all global "
      "functions are also here." },
    { API_GLOBALS, "Globals",
      "Besides these: assert, error, getmetatable, ipairs, next, pairs, pcall, rawequal, rawget, "
      "rawlen, rawset, select, "
      "setmetatable, tonumber, tostring, type, unpack. There is no file, no network, no clock, no "
      "load() and no coroutine." },
    { API_PLATFORM, "platform",
      "The built-in policy, in a state of its own, on the true state of things." },
    { API_LOG, "log", "What a decision leaves for whoever asks why." },
    { API_RNG, "context.rng", "Chance." },
    { API_OUTCOME, "outcome", "The second argument of `on_outcome(job, outcome)`." },
};

static const char *cost_of(const struct api_member *m)
{
    return m->cost ? m->cost : "O(1)";
}

/* --- The page -------------------------------------------------------------------------- */

static const char introduction[] =
    "# What a policy can name\n\n"
    "Generated from the table that the code itself uses (`src/policy/api*.c`); do not edit.\n\n"
    "All of it is read-only: setting a field is an error that names it. Names that an object does "
    "not\n"
    "have read as nil; so do all fields of a job, worker, pool, tenant or model that is gone. `?` "
    "behind\n"
    "a type: may be nil. Lists count from 1 in Lua and YAML, from 0 in Rhai. In a context made by "
    "hand,\n"
    "fields of your own can be read like these, and a given value wins over a derived one.\n\n"
    "Costs are per call: O(1); O(matching), what matches and not what there is; O(list), the list "
    "that\n"
    "the method belongs to; O(workers) and the like, all of them.\n";

/* A cell of a table: a bar would end it. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            (void)buf_putc(out, '\\');
        (void)buf_putc(out, *text);
    }
}

static void put_example(struct buf *out, const struct api_member *m)
{
    if (m->example)
        (void)buf_printf(out, " Example: `%s`", m->example);
}

static void put_field(struct buf *out, const struct api_member *m)
{
    (void)buf_printf(out, "| `%s` | ", m->name);
    put_cell(out, m->type);
    (void)buf_printf(out, " | %s | ", m->unit ? m->unit : "");
    put_cell(out, m->words);
    put_example(out, m);
    (void)buf_puts(out, " |\n");
}

static void put_fields(struct buf *out, const struct api_table *table)
{
    bool has_any = false;

    for (size_t i = 0; i < table->len; i++) {
        if (table->members[i].call)
            continue;
        if (!has_any)
            (void)buf_puts(out, "\n| field | type | unit | |\n|---|---|---|---|\n");
        put_field(out, &table->members[i]);
        has_any = true;
    }
}

static void put_functions(struct buf *out, const struct api_table *table)
{
    bool has_any = false;

    for (size_t i = 0; i < table->len; i++) {
        const struct api_member *m = &table->members[i];
        if (!m->call)
            continue;
        if (!has_any)
            (void)buf_putc(out, '\n');
        has_any = true;
        (void)buf_printf(out, "- **`%s%s`** → %s", m->name, m->arguments, m->type);
        if (m->unit)
            (void)buf_printf(out, " (%s)", m->unit);
        (void)buf_printf(out, ", %s. %s", cost_of(m), m->words);
        put_example(out, m);
        (void)buf_putc(out, '\n');
    }
}

void api_reference_page(struct buf *out)
{
    (void)buf_puts(out, introduction);
    for (size_t i = 0; i < sizeof(chapters) / sizeof(chapters[0]) && chapters[i].title; i++) {
        struct api_table table;
        table.members = api_members(chapters[i].object, &table.len);
        (void)buf_printf(out, "\n## %s\n\n%s\n", chapters[i].title, chapters[i].words);
        put_fields(out, &table);
        put_functions(out, &table);
    }
}

/* --- For editors ------------------------------------------------------------------------- */

static void put_member(struct json_out *out, const struct api_member *m)
{
    json_begin(out, NULL, '{');
    (void)buf_putc(out->buf, '\n'); /* a line each, for whoever compares versions */
    json_str(out, "name", m->name);
    json_str(out, "kind", m->call ? "function" : m->push || m->fact ? "field" : "library");
    if (m->arguments)
        json_str(out, "arguments", m->arguments);
    json_str(out, "type", m->type);
    if (m->unit)
        json_str(out, "unit", m->unit);
    json_str(out, "cost", cost_of(m));
    json_str(out, "words", m->words);
    if (m->example)
        json_str(out, "example", m->example);
    json_end(out);
}

void api_reference_json(struct json_out *out)
{
    json_begin(out, NULL, '{');
    json_begin(out, "objects", '[');
    for (size_t i = 0; i < sizeof(chapters) / sizeof(chapters[0]) && chapters[i].title; i++) {
        size_t len;
        const struct api_member *members = api_members(chapters[i].object, &len);
        json_begin(out, NULL, '{');
        json_str(out, "name", api_object_name(chapters[i].object));
        json_str(out, "title", chapters[i].title);
        json_str(out, "words", chapters[i].words);
        json_begin(out, "members", '[');
        for (size_t j = 0; j < len; j++)
            put_member(out, &members[j]);
        json_end(out);
        json_end(out);
    }
    json_end(out);
    json_end(out);
}
