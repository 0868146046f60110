/* log_file - the files that workers' stdout and stderr go to: bounded in size and number,
 * and the last words in them, which often say why a worker died. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    LOG_FILE_BYTES_MAX = 8 * 1024 * 1024, /* per file; one older piece is kept beside it */
    LOG_FILES_MAX = 64,                   /* in one directory; the oldest go first */
    LOG_FILE_PATH_SIZE = 4096,
};

/*
 * Open DIR/ID.log for appending (0600). One that is too long already becomes ID.log.1
 * first. The caller closes *ret_fd. Errors: ERR_SYSTEM, ERR_LIMIT (path too long).
 */
MUST_CHECK int log_file_open(const char *dir, const char *id, int *ret_fd, struct err *err);

/* While a worker writes: what is over the cap becomes ID.log.1 and the file starts anew. Lines
 * written in between may be lost. Failures are ignored: it is tried again. */
void log_file_trim(const char *dir, const char *id, off_t bytes_max);

/* Delete the files of `dir` that were changed longest ago, down to `keep`. */
void log_files_prune(const char *dir, size_t keep);

/*
 * The last line that may explain an end, without control characters; "" when there is none
 * near the end of the file. Of rbee's own log lines that is an error or a warning, told
 * without its time and level; any other line is taken as it is.
 */
void log_file_last_words(const char *dir, const char *id, char *ret, size_t size);
