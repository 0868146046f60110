#include "api/heartbeat_json.h"

#include "base/json.h"
#include "base/labels_json.h"
#include "base/utf8.h"
#include "loop/endpoint.h"

#include <stdlib.h>

enum {
    LIST_FIRST = 8, /* first capacity of a growing list */
};
#define BYTES_MAX (INT64_C(1) << 50) /* of a file; and MB of memory, to be safe to add up */

/* --- Small readers ------------------------------------------------------ */

static uint64_t read_count(struct json *j, int64_t max)
{
    int64_t value = 0;

    json_read_i64_in(j, 0, max, &value);
    return (uint64_t)value;
}

static double read_amount(struct json *j)
{
    double value = 0;

    json_read_double_in(j, 0, 1e15, &value);
    return value;
}

/* A name out of a fixed set; `parse` says whether it is one. */
#define READ_NAME(j, parse, ret)                                   \
    do {                                                           \
        char name_[64];                                            \
        json_read_text((j), name_, sizeof(name_));                 \
        if (!(j)->failed && !parse(str_of(name_), (ret)))          \
            json_fail((j), "has the unknown value \"%s\"", name_); \
    } while (0)

/* --- One worker --------------------------------------------------------- */

static void read_gpu_ids(struct json *j, struct worker_facts *w)
{
    json_array(j)
    {
        if (w->gpu_ids_len == GPUS_MAX)
            json_fail(j, "may hold at most %d GPUs", GPUS_MAX);
        else
            w->gpu_ids[w->gpu_ids_len++] = (uint32_t)read_count(j, UINT16_MAX);
    }
}

static void read_kv_used(struct json *j, struct worker_facts *w)
{
    json_read_double_in(j, 0, 100, &w->kv_used_pct);
    w->has_kv_used_pct = true;
}

static void read_tokens_per_s(struct json *j, struct worker_facts *w)
{
    w->tokens_per_s = read_amount(j);
    w->has_tokens_per_s = true;
}

static void read_worker_state(struct json *j, struct worker_facts *w)
{
    READ_NAME(j, worker_state_parse, &w->state);
}

/* What a dying program said may be of any length: the rest is left out. */
static void read_reason(struct json *j, struct worker_facts *w)
{
    char words[8 * WORKER_REASON_SIZE];
    size_t len = 0, next;

    words[0] = '\0';
    json_read_text(j, words, sizeof(words));
    while ((next = utf8_sequence(&words[len], strlen(&words[len]))) > 0 &&
           len + next < sizeof(w->reason))
        len += next;
    (void)str_copy(w->reason, sizeof(w->reason), (struct str){ words, len });
}

static void read_worker_kind(struct json *j, struct worker_facts *w)
{
    READ_NAME(j, worker_kind_parse, &w->kind);
}

static void read_worker_labels(struct json *j, struct worker_facts *w)
{
    labels_read(j, &w->labels);
}

enum field_type { FIELD_TEXT, FIELD_U16, FIELD_U32, FIELD_U64, FIELD_AMOUNT, FIELD_OWN };

struct worker_field {
    const char *name;
    enum field_type type;
    size_t offset, size;                                  /* of the member; size for FIELD_TEXT */
    void (*read)(struct json *j, struct worker_facts *w); /* FIELD_OWN */
};

#define TEXT(name, member)                                       \
    {                                                            \
        name, FIELD_TEXT, offsetof(struct worker_facts, member), \
            sizeof(((struct worker_facts *)0)->member), NULL     \
    }
#define NUMBER(name, type, member)                                 \
    {                                                              \
        name, type, offsetof(struct worker_facts, member), 0, NULL \
    }
#define OWN(name, read)             \
    {                               \
        name, FIELD_OWN, 0, 0, read \
    }

/* clang-format off */
/* ProcessStats and its additions (a hive's report), and WorkerInfo (a worker's own). */
static const struct worker_field worker_fields[] = {
    TEXT("worker_id", id), TEXT("id", id), TEXT("model", model), TEXT("model_id", model),
    TEXT("address", address), TEXT("group", group), TEXT("instance", instance),
    TEXT("token", token.text),
    NUMBER("port", FIELD_U16, port), NUMBER("pid", FIELD_U32, pid),
    NUMBER("slots", FIELD_U32, slots), NUMBER("active", FIELD_U32, active),
    NUMBER("queued", FIELD_U32, queued),
    NUMBER("cpu_pct", FIELD_AMOUNT, cpu_pct), NUMBER("rss_mb", FIELD_U64, rss_mb),
    NUMBER("io_r_mb_s", FIELD_AMOUNT, io_r_mb_s), NUMBER("io_w_mb_s", FIELD_AMOUNT, io_w_mb_s),
    NUMBER("uptime_s", FIELD_U64, uptime_s), NUMBER("gpu_util_pct", FIELD_AMOUNT, gpu_util_pct),
    NUMBER("vram_mb", FIELD_U64, vram_mb), NUMBER("total_vram_mb", FIELD_U64, total_vram_mb),
    OWN("gpu_ids", read_gpu_ids), OWN("kv_used_pct", read_kv_used),
    OWN("tokens_per_s", read_tokens_per_s), OWN("state", read_worker_state),
    OWN("status", read_worker_state), OWN("reason", read_reason), OWN("kind", read_worker_kind),
    OWN("labels", read_worker_labels),
};
/* clang-format on */

static void read_worker_field(struct json *j, const struct worker_field *field,
                              struct worker_facts *w)
{
    char *member = (char *)w + field->offset;

    switch (field->type) {
    case FIELD_TEXT:
        json_read_text(j, member, field->size);
        break;
    case FIELD_U16:
        *(uint16_t *)(void *)member = (uint16_t)read_count(j, UINT16_MAX);
        break;
    case FIELD_U32:
        *(uint32_t *)(void *)member = (uint32_t)read_count(j, INT32_MAX);
        break;
    case FIELD_U64:
        *(uint64_t *)(void *)member = read_count(j, BYTES_MAX);
        break;
    case FIELD_AMOUNT:
        *(double *)(void *)member = read_amount(j);
        break;
    case FIELD_OWN:
        field->read(j, w);
        break;
    }
}

static void read_worker_member(struct json *j, struct worker_facts *w)
{
    for (size_t i = 0; i < sizeof(worker_fields) / sizeof(worker_fields[0]); i++) {
        if (!json_key(j, worker_fields[i].name))
            continue;
        if (!json_read_null(j))
            read_worker_field(j, &worker_fields[i], w);
        return;
    }
    json_skip(j);
}

static void read_worker(struct json *j, struct worker_facts *w)
{
    *w = (struct worker_facts){ .slots = 1, .state = WORKER_READY };
    json_object(j)
    {
        read_worker_member(j, w);
    }
}

/* --- Lists -------------------------------------------------------------- */

/* Room for one more of `size` bytes; NULL beyond `max`, which fails the reader. */
static void *grow(struct json *j, void *items, size_t len, size_t size, size_t max)
{
    if (len == max) {
        json_fail(j, "may hold at most %zu entries", max);
        return NULL;
    }
    if (len > 0 && (len < LIST_FIRST || (len & (len - 1)) != 0))
        return items;
    void *moved = realloc(items, (len < LIST_FIRST ? (size_t)LIST_FIRST : len * 2) * size);
    if (!moved)
        abort();
    return moved;
}

static void read_workers(struct json *j, struct heartbeat *h)
{
    json_array(j)
    {
        void *moved =
            grow(j, h->workers, h->workers_len, sizeof(*h->workers), WORKERS_PER_HIVE_MAX);
        if (!moved)
            continue;
        h->workers = moved;
        read_worker(j, &h->workers[h->workers_len++]);
    }
}

/* "ref", as older hives say it, or an object. */
static void read_model(struct json *j, struct listed_model *m)
{
    *m = (struct listed_model){ 0 };
    if (json_peek(j) == JSON_STRING) {
        json_read_text(j, m->ref, sizeof(m->ref));
        return;
    }
    json_object(j)
    {
        if (json_key(j, "ref"))
            json_read_text(j, m->ref, sizeof(m->ref));
        else if (json_key(j, "size_bytes") && !json_read_null(j))
            m->size_bytes = read_count(j, BYTES_MAX);
        else if (json_key(j, "context_length") && !json_read_null(j))
            m->context_length = read_count(j, INT32_MAX);
        else
            json_skip(j);
    }
}

static void read_models(struct json *j, struct hive_facts *hive)
{
    json_array(j)
    {
        void *moved =
            grow(j, hive->models, hive->models_len, sizeof(*hive->models), MODELS_PER_HIVE_MAX);
        if (!moved)
            continue;
        hive->models = moved;
        read_model(j, &hive->models[hive->models_len++]);
    }
}

static void read_device(struct json *j, struct device *d)
{
    *d = (struct device){ 0 };
    json_object(j)
    {
        if (json_key(j, "id"))
            json_read_text(j, d->id, sizeof(d->id));
        else if (json_key(j, "name"))
            json_read_text(j, d->name, sizeof(d->name));
        else if (json_key(j, "device_type"))
            json_read_text(j, d->device_type, sizeof(d->device_type));
        else if (json_key(j, "vram_gb") && !json_read_null(j))
            d->vram_gb = read_amount(j);
        else if (json_key(j, "compute_capability") && !json_read_null(j))
            json_read_text(j, d->compute_capability, sizeof(d->compute_capability));
        else
            json_skip(j);
    }
}

static void read_devices(struct json *j, struct hive_facts *hive)
{
    hive->has_capabilities = true;
    json_array(j)
    {
        void *moved =
            grow(j, hive->devices, hive->devices_len, sizeof(*hive->devices), DEVICES_PER_HIVE_MAX);
        if (!moved)
            continue;
        hive->devices = moved;
        read_device(j, &hive->devices[hive->devices_len++]);
    }
}

/* --- Whole bodies ------------------------------------------------------- */

static void read_health(struct json *j, struct hive_facts *hive)
{
    json_object(j)
    {
        if (json_key(j, "status"))
            READ_NAME(j, hive_health_parse, &hive->health);
        else if (json_key(j, "reason") && !json_read_null(j))
            json_read_text(j, hive->health_reason, sizeof(hive->health_reason));
        else
            json_skip(j);
    }
}

static void read_hive(struct json *j, struct hive_facts *hive)
{
    json_object(j)
    {
        if (json_key(j, "id"))
            json_read_text(j, hive->id, sizeof(hive->id));
        else if (json_key(j, "hostname"))
            json_read_text(j, hive->hostname, sizeof(hive->hostname));
        else if (json_key(j, "address"))
            json_read_text(j, hive->address, sizeof(hive->address));
        else if (json_key(j, "port"))
            hive->port = (uint16_t)read_count(j, UINT16_MAX);
        else if (json_key(j, "operational_status"))
            READ_NAME(j, hive_status_parse, &hive->status);
        else if (json_key(j, "health_status"))
            read_health(j, hive);
        else if (json_key(j, "version"))
            json_read_text(j, hive->version, sizeof(hive->version));
        else if (json_key(j, "ram_mb") && !json_read_null(j))
            hive->ram_mb = read_count(j, BYTES_MAX);
        else if (json_key(j, "ram_free_mb") && !json_read_null(j))
            hive->ram_free_mb = read_count(j, BYTES_MAX);
        else if (json_key(j, "labels") && !json_read_null(j))
            labels_read(j, &hive->labels);
        else
            json_skip(j);
    }
}

static int finish(struct json *j, struct heartbeat *h, int rc, struct heartbeat *ret,
                  struct err *err)
{
    if (rc == 0)
        rc = json_finish(j, err);
    if (rc < 0) {
        heartbeat_free(h);
        return rc;
    }
    *ret = *h;
    return 0;
}

int heartbeat_parse_hive(struct str body, struct heartbeat *ret, struct err *err)
{
    struct heartbeat h = { .hive = { .status = HIVE_READY } };
    bool has_hive = false;
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (json_key(&j, "hive")) {
            has_hive = true;
            read_hive(&j, &h.hive);
        } else if (json_key(&j, "workers") && !json_read_null(&j)) {
            read_workers(&j, &h);
        } else if (json_key(&j, "capabilities") && !json_read_null(&j)) {
            read_devices(&j, &h.hive);
        } else if (json_key(&j, "models") && !json_read_null(&j)) {
            read_models(&j, &h.hive);
        } else {
            json_skip(&j);
        }
    }
    int rc = 0;
    if (!j.failed && !has_hive)
        rc = err_param(err, ERR_MISSING, "hive", "'hive' is missing");
    for (size_t i = 0; i < h.workers_len; i++)
        (void)str_copy(h.workers[i].hive_id, HIVE_ID_SIZE, str_of(h.hive.id));
    return finish(&j, &h, rc, ret, err);
}

int heartbeat_parse_worker(struct str body, struct heartbeat *ret, struct err *err)
{
    struct heartbeat h = { 0 };
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (json_key(&j, "worker") && h.workers_len == 0) {
            h.workers = calloc(1, sizeof(*h.workers));
            if (!h.workers)
                abort();
            h.workers_len = 1;
            read_worker(&j, h.workers);
        } else {
            json_skip(&j);
        }
    }
    int rc = 0;
    if (!j.failed && h.workers_len == 0)
        rc = err_param(err, ERR_MISSING, "worker", "'worker' is missing");
    return finish(&j, &h, rc, ret, err);
}

void heartbeat_free(struct heartbeat *h)
{
    for (size_t i = 0; i < h->workers_len; i++)
        worker_facts_free(&h->workers[i]);
    free(h->workers);
    hive_facts_free(&h->hive);
    *h = (struct heartbeat){ 0 };
}

static bool is_loopback(const char *address)
{
    struct endpoint e = { .port = 1 };

    return str_copy(e.host, sizeof(e.host), str_of(address)) && endpoint_is_loopback(&e);
}

bool heartbeat_address_ok(const char *address, const char *peer,
                          const char (*allowed)[ADDRESS_SIZE], size_t allowed_len)
{
    if (strcmp(address, peer) == 0 || (is_loopback(address) && is_loopback(peer)))
        return true;
    for (size_t i = 0; i < allowed_len; i++)
        if (strcmp(address, allowed[i]) == 0)
            return true;
    return false;
}
