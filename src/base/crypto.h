/*
 * crypto - the few primitives that need a library made for it (OpenSSL 3); the only module
 * that touches it outside http/tls.
 */
#pragma once

#include "base/str.h"

enum { SHA256_HEX_SIZE = 65 }; /* with the NUL */

/* FIPS 180-4, as lower-case hex. */
void crypto_sha256_hex(struct str bytes, char ret[SHA256_HEX_SIZE]);
