/* kernel_text - the lines and numbers of files in /proc, /sys and cgroups. Pure. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Take the first line off `text`, without its newline; false at the end. */
bool kernel_text_line(struct str *text, struct str *ret_line);

/* Take the first word (anything between blanks, tabs and newlines); false at the end. */
bool kernel_text_word(struct str *text, struct str *ret_word);

/* The number after `key` at the start of a line, whatever blanks and colon are between:
 * "VmRSS:\t  12 kB", "usage_usec 7". False, with *ret untouched, when there is none. */
bool kernel_text_number(struct str text, const char *key, uint64_t *ret);
