#include "base/secret.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* systemd hands credentials out as 0440 in a directory that only the service may
 * enter; there the group says nothing. */
static bool is_systemd_credential(const char *path)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");

    return dir && dir[0] == '/' && str_starts(str_of(path), dir) && path[strlen(dir)] == '/';
}

static int check_mode(int fd, const char *path, struct err *err)
{
    mode_t forbidden = is_systemd_credential(path) ? 0037 : 0077;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, "cannot look at '%s'", path);
    if (st.st_mode & forbidden)
        return err_set(err, ERR_INVALID,
                       "'%s' holds a secret but has mode %04o, so that others may read it; "
                       "run: chmod 600 '%s'",
                       path, st.st_mode & 07777U, path);
    return 0;
}

/* Past the first line it is none of our business. */
static int read_first_line(int fd, const char *path, struct secret *ret, struct err *err)
{
    char bytes[SECRET_SIZE + 1]; /* a full secret and "\r\n" less one: enough to see the end */
    size_t len = 0;

    while (len < sizeof(bytes)) {
        ssize_t n = read(fd, bytes + len, sizeof(bytes) - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot read '%s'", path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    const char *newline = len > 0 ? memchr(bytes, '\n', len) : NULL;
    struct str line = { bytes, newline ? (size_t)(newline - bytes) : len };
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;

    int rc = 0;
    if (line.len >= SECRET_SIZE)
        rc = err_set(err, ERR_INVALID, "the secret in '%s' is longer than %d characters", path,
                     SECRET_SIZE - 1);
    else if (!str_copy(ret->text, sizeof(ret->text), line))
        rc = err_set(err, ERR_INVALID, "the secret in '%s' holds a NUL", path);
    explicit_bzero(bytes, sizeof(bytes));
    return rc;
}

static int check_text(const struct secret *secret, const char *path, struct err *err)
{
    size_t len = strlen(secret->text);

    for (size_t i = 0; i < len; i++) {
        if (secret->text[i] <= ' ' || secret->text[i] >= 0x7f)
            return err_set(err, ERR_INVALID,
                           "the secret in '%s' may hold only printable ASCII without blanks", path);
    }
    if (len < SECRET_MIN)
        return err_set(err, ERR_INVALID,
                       "the secret in '%s' is shorter than %d characters; "
                       "make one with: openssl rand -hex 32",
                       path, SECRET_MIN);
    return 0;
}

int secret_read(const char *path, struct secret *ret, struct err *err)
{
    struct secret secret = { 0 };

    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open '%s'", path);
    int rc = check_mode(fd, path, err);
    if (rc == 0)
        rc = read_first_line(fd, path, &secret, err);
    if (rc == 0)
        rc = check_text(&secret, path, err);
    if (rc == 0)
        *ret = secret;
    explicit_bzero(&secret, sizeof(secret));
    return rc;
}

int secret_create(const char *path, struct secret *ret, struct err *err)
{
    enum { HEX_DIGITS = 64 };
    char line[HEX_DIGITS + 2];

    random_hex(line, HEX_DIGITS);
    line[HEX_DIGITS] = '\n';
    int rc = file_write_atomic(path, (struct str){ line, HEX_DIGITS + 1 }, 0600, err);
    if (rc == 0)
        (void)str_copy(ret->text, sizeof(ret->text), (struct str){ line, HEX_DIGITS });
    explicit_bzero(line, sizeof(line));
    return rc;
}

bool secret_matches(const struct secret *secret, struct str given)
{
    size_t len = strnlen(secret->text, SECRET_SIZE - 1);
    size_t compared = given.len < len ? given.len : len;
    unsigned char differs = given.len != len || len == 0;

    for (size_t i = 0; i < compared; i++)
        differs |= (unsigned char)(secret->text[i] ^ given.p[i]);
    return differs == 0;
}
