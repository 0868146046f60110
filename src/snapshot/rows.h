/*
 * rows - writing whole rows into a region that holds a struct snapshot, and keeping the lists
 * of a model's and a pool's workers. For snapshot/ alone.
 */
#pragma once

#include "snapshot/region.h"
#include "snapshot/snapshot.h"

const struct snapshot *rows_of(const struct region *r);

void rows_put_header(struct region *r, const struct snap_header *header);
void rows_put_config(struct region *r, uint32_t row, const struct snap_config *config);
void rows_put_worker(struct region *r, uint32_t row, const struct snap_worker *worker);
void rows_put_pool(struct region *r, uint32_t row, const struct snap_pool *pool);
void rows_put_model(struct region *r, uint32_t row, const struct snap_model *model);
void rows_put_tenant(struct region *r, uint32_t row, const struct snap_tenant *tenant);
void rows_put_job(struct region *r, uint32_t row, const struct snap_job *job);
void rows_put_text(struct region *r, uint32_t off, const void *bytes, size_t len);

/* In no list. */
void rows_clear_links(struct snap_worker *worker);

/* Make a worker the last of `worker.model`'s list, or of `worker.pool`'s, which is a row; or
 * take it out. Nothing happens for SNAP_NONE. */
void rows_link_model(struct region *r, uint32_t row);
void rows_unlink_model(struct region *r, uint32_t row);
void rows_link_pool(struct region *r, uint32_t row);
void rows_unlink_pool(struct region *r, uint32_t row);
