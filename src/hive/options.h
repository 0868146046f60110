/* options - what the hive can be told, checked and worked out. */
#pragma once

#include "base/labels.h"
#include "base/option_common.h"
#include "base/secret.h"
#include "loop/endpoint.h"
#include "registry/worker.h"
#include "supervisor/port_range.h"

#include <limits.h>

enum { QUEENS_MAX = 16 };

struct hive_options {
    struct option_common common;
    struct option_list queen_urls, label_pairs, hosts;
    char *hive_id, *models_dir, *port_range, *worker_program, *advertised, *queen_token_file;
    int64_t port; /* 0: --listen says */
    uint64_t drain_ms, start_ms, terminate_ms;

    /* Worked out from the above by hive_options_check(). */
    char id[HIVE_ID_SIZE], hostname[256];
    char state_dir[PATH_MAX], models_path[PATH_MAX], worker_path[PATH_MAX];
    char listen_host[ENDPOINT_HOST_SIZE]; /* where workers listen */
    char address[ADDRESS_SIZE];           /* reported to queens; "": where heartbeats come from */
    struct port_range ports;
    struct labels labels;
    struct endpoint queens[QUEENS_MAX];
    size_t queens_len;
    struct secret queen_token; /* shown to queens; "" for none */
};

extern const struct option_program hive_program;

/* Errors: ERR_INVALID naming the option, ERR_SYSTEM. Release with hive_options_free(). */
MUST_CHECK int hive_options_check(struct hive_options *o, struct err *err);
void hive_options_free(struct hive_options *o);
