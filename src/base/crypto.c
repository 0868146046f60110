#include "base/crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>

void crypto_sha256_hex(struct str bytes, char ret[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    /* Fails only where the library itself is broken. */
    if (EVP_Digest(bytes.p, bytes.len, digest, &len, EVP_sha256(), NULL) != 1)
        abort();
    for (unsigned i = 0; i < len; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[2 * len] = '\0';
}
