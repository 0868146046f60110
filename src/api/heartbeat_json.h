/*
 * heartbeat_json - heartbeat bodies to facts (PROTOCOL "Telemetry"). Unknown fields
 * are ignored (version skew), wrong types and impossible numbers are refused with the
 * field's name, and so is a worker whose address is not the peer's. Pure; fuzzed.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "registry/worker.h"

#include <stddef.h>

struct heartbeat {
    struct hive_facts hive;       /* of a hive's heartbeat */
    struct worker_facts *workers; /* of a worker's heartbeat: exactly one */
    size_t workers_len;
};
void heartbeat_free(struct heartbeat *h);

/* Errors: ERR_JSON, ERR_MISSING, ERR_INVALID (param set), ERR_LIMIT for more workers,
 * models or devices than registry/worker.h allows. */
MUST_CHECK int heartbeat_parse_hive(struct str body, struct heartbeat *ret, struct err *err);
MUST_CHECK int heartbeat_parse_worker(struct str body, struct heartbeat *ret, struct err *err);

/* Is `address` the peer's own, or one of `allowed`? Loopback names are the peer's own
 * when the peer is on loopback. */
bool heartbeat_address_ok(const char *address, const char *peer,
                          const char (*allowed)[ADDRESS_SIZE], size_t allowed_len);
