/* base64 - bytes as text (RFC 4648, section 4, with padding). */
#pragma once

#include "base/buf.h"

#include <stddef.h>

void base64_add(struct buf *out, const void *bytes, size_t len);
