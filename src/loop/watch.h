/*
 * watch - be told when a file, or what is in a directory, has changed.
 *
 * Told once things have been quiet for a while, however many events there were: editors
 * write in pieces, or write another file and rename it over the old one. What is watched
 * may go and come back, and so may the directory that it is in. Whoever is told looks for
 * himself: a call means "look", not "it is different", and says nothing about what.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct loop;
struct file_watch;

/* `path` need not be there yet. `fn` runs from the loop, and may free the watch. Told at the
 * latest after ten times `debounce_ms` of unrest.
 * Errors: ERR_SYSTEM (the kernel's limits of watches), ERR_LIMIT (path too long). */
MUST_CHECK int file_watch_new(struct loop *loop, const char *path, uint64_t debounce_ms,
                              void (*fn)(void *data), void *data, struct file_watch **ret,
                              struct err *err);
void file_watch_free(struct file_watch *w); /* NULL is fine; no call comes any more */
