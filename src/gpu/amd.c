#include "gpu/amd.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/parse.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char vendor_amd[] = "0x1002";

enum { TEXT_SIZE = 256, PATH_BYTES = 512 };

/* The file's first line, "" when there is none. */
static void read_line(const char *root, unsigned card, const char *name, char ret[TEXT_SIZE])
{
    char path[PATH_BYTES];
    struct buf p, text;
    struct err ignored;

    buf_init_fixed(&p, path, sizeof(path));
    buf_init_fixed(&text, ret, TEXT_SIZE);
    if (!buf_printf(&p, "%s/card%u/device/%s", root, card, name) ||
        file_read(buf_cstr(&p), &text, &ignored) < 0)
        buf_clear(&text);
    (void)buf_cstr(&text);
    ret[strcspn(ret, "\n")] = '\0';
}

static bool read_number(const char *root, unsigned card, const char *name, uint64_t *ret)
{
    char text[TEXT_SIZE];

    read_line(root, card, name, text);
    return parse_u64_str(str_of(text), ret);
}

static void look_at_card(const char *root, unsigned card, struct gpu *g)
{
    char text[TEXT_SIZE];
    uint64_t total, used, busy;

    (void)snprintf(g->id, sizeof(g->id), "rocm:%u", g->index);
    read_line(root, card, "unique_id", text);
    (void)str_copy(g->uuid, sizeof(g->uuid), str_of(text));
    read_line(root, card, "product_name", text);
    if (!text[0]) {
        char model[TEXT_SIZE];
        read_line(root, card, "device", model);
        (void)snprintf(text, sizeof(text), "AMD GPU %.32s", model);
    }
    (void)snprintf(g->name, sizeof(g->name), "%.*s", (int)sizeof(g->name) - 1, text);
    if (read_number(root, card, "mem_info_vram_total", &total) &&
        read_number(root, card, "mem_info_vram_used", &used)) {
        g->has_memory = true;
        g->memory_total_mb = total >> 20;
        g->memory_used_mb = used >> 20;
    }
    if (read_number(root, card, "gpu_busy_percent", &busy) && busy <= 100) {
        g->has_util = true;
        g->util_pct = (double)busy;
    }
}

/* "card12", not "card12-HDMI-A-1". */
static bool parse_card(const char *name, unsigned *ret)
{
    uint64_t n;

    if (strncmp(name, "card", 4) != 0 || !parse_u64_str(str_of(name + 4), &n) || n > UINT16_MAX)
        return false;
    *ret = (unsigned)n;
    return true;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

void amd_look(const char *drm_root, struct gpu_sample *ret)
{
    unsigned cards[GPUS_PER_MACHINE_MAX];
    size_t cards_len = 0;
    char vendor[TEXT_SIZE];
    struct dirent *entry;
    DIR *dir = opendir(drm_root);

    if (!dir)
        return;
    while (cards_len < GPUS_PER_MACHINE_MAX && (entry = readdir(dir))) {
        unsigned card;
        if (!parse_card(entry->d_name, &card))
            continue;
        read_line(drm_root, card, "vendor", vendor);
        if (strcmp(vendor, vendor_amd) == 0)
            cards[cards_len++] = card;
    }
    (void)closedir(dir);
    if (cards_len > 1)
        qsort(cards, cards_len, sizeof(*cards), by_number);
    for (size_t i = 0; i < cards_len && ret->gpus_len < GPUS_PER_MACHINE_MAX; i++) {
        struct gpu *g = &ret->gpus[ret->gpus_len++];
        *g = (struct gpu){ .index = (uint32_t)i };
        look_at_card(drm_root, cards[i], g);
    }
}
