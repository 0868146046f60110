/*
 * reserved - the labels that become typed fields (PROTOCOL "Telemetry"), for live rows and for
 * hand-made ones alike. For snapshot/ alone.
 *
 * They fill what is still empty in a row, so that what was given stays. Texts are parts of the
 * row's own `labels` text.
 */
#pragma once

#include "snapshot/snapshot.h"

/* `ret_capabilities`: the comma list of the label, "" for none: a list of it is the caller's. */
void reserved_worker(const struct snapshot *s, struct snap_worker *w, struct str *ret_capabilities);
void reserved_pool(const struct snapshot *s, struct snap_pool *pool);
void reserved_job(const struct snapshot *s, struct snap_job *job);

/* A worker stands where its pool stands unless it says otherwise. `pool` NULL: nowhere. */
void reserved_place(struct snap_worker *w, const struct snap_pool *pool);
