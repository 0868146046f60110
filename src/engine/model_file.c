#include "engine/model_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ggml/docs/gguf.md: "GGUF", u32 version, u64 tensors, u64 metadata pairs. A tensor's
 * entry takes at least 32 bytes, a metadata pair at least 13. */
enum { HEADER_BYTES = 24, VERSION_MIN = 2, VERSION_MAX = 3, TENSOR_BYTES = 32, PAIR_BYTES = 13 };

enum { SAMPLES = 32, SAMPLE_BYTES = 4096 };

#define BAD_MODEL(err, ...) err_param((err), ERR_INVALID, "model", __VA_ARGS__)

static int check_header(const char *path, const unsigned char header[HEADER_BYTES],
                        uint64_t file_bytes, struct err *err)
{
    uint32_t version;
    uint64_t tensors, pairs;
    memcpy(&version, header + 4, sizeof(version));
    memcpy(&tensors, header + 8, sizeof(tensors));
    memcpy(&pairs, header + 16, sizeof(pairs));

    if (memcmp(header, "GGUF", 4) != 0)
        return BAD_MODEL(err, "'%s' is not a GGUF model", path);
    if (version < VERSION_MIN || version > VERSION_MAX)
        return BAD_MODEL(err, "'%s' is GGUF version %" PRIu32 "; versions %d and %d can be read",
                         path, version, VERSION_MIN, VERSION_MAX);
    if (tensors == 0)
        return BAD_MODEL(err, "'%s' holds a vocabulary but no model", path);
    if (tensors > file_bytes / TENSOR_BYTES || pairs > file_bytes / PAIR_BYTES)
        return BAD_MODEL(err,
                         "'%s' is cut short or damaged: %" PRIu64 " bytes cannot hold %" PRIu64
                         " tensors and %" PRIu64 " metadata pairs",
                         path, file_bytes, tensors, pairs);
    return 0;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits: tells files apart, promises nothing more. */
static uint64_t hash_add(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001b3;
    return hash;
}

/* Fine-tunes of one model differ in their weights only: so from everywhere in the file. */
static uint64_t hash_samples(int fd, uint64_t file_bytes)
{
    unsigned char sample[SAMPLE_BYTES];
    uint64_t hash = hash_add(0xcbf29ce484222325, &file_bytes, sizeof(file_bytes));

    for (uint64_t i = 0; i < SAMPLES; i++) {
        ssize_t len = pread(fd, sample, sizeof(sample), (off_t)(file_bytes / SAMPLES * i));
        if (len > 0)
            hash = hash_add(hash, sample, (size_t)len);
    }
    return hash;
}

int model_file_check(const char *path, struct model_file *ret, struct err *err)
{
    unsigned char header[HEADER_BYTES];
    struct stat st;

    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return BAD_MODEL(err, "cannot open the model '%s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return BAD_MODEL(err, "the model '%s' is not a file", path);
    uint64_t bytes = (uint64_t)st.st_size;
    if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return BAD_MODEL(err, "'%s' is not a GGUF model: it is only %" PRIu64 " bytes long", path,
                         bytes);
    if (check_header(path, header, bytes, err) < 0)
        return err->code;

    ret->bytes = bytes;
    (void)snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%016" PRIx64,
                   hash_samples(fd, bytes));
    return 0;
}
