/* port_range - the ports that workers may be given, "8080-8999". */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct port_range {
    uint16_t from, to; /* both included; from <= to */
};

/* "FROM-TO", or one port. ERR_INVALID. */
MUST_CHECK int port_range_parse(struct str text, struct port_range *ret, struct err *err);

/* Can a listener be opened on `host` now? Tried for a moment; a name that is not an
 * address is tried on all addresses. */
bool port_is_free(const char *host, uint16_t port);
