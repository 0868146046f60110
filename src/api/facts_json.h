/* facts_json - what the registry knows, as JSON: for status, lists and the live feed.
 * Tokens of workers are never part of it. */
#pragma once

#include "base/json_write.h"
#include "registry/registry.h"

/* The members of an object that the caller has begun. */
void facts_write_worker(struct json_out *o, const struct worker_facts *w); /* ProcessStats */
void facts_write_hive(struct json_out *o, const struct hive_facts *h);     /* HiveInfo */
void facts_write_models(struct json_out *o, const struct listed_model *models, size_t len);

/* The same with what the queen adds: liveness, age, in-flight, room. */
void facts_write_known_worker(struct json_out *o, const struct worker *w, uint64_t now_ms);
void facts_write_known_hive(struct json_out *o, const struct hive *h, uint64_t now_ms);
