/*
 * replay - runs a fuzz target over the files of folders, without libFuzzer:
 *
 *     fuzz_NAME_replay FOLDER...
 *
 * So every build with tests, of any compiler, repeats what fuzzing once found.
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024 };

static int replay_file(const char *path, struct err *err)
{
    AUTO(buf_deinit) struct buf input;

    buf_init(&input, INPUT_BYTES_MAX);
    if (file_read(path, &input, err))
        return err->code;

    /* A block of exactly that size, so that a sanitizer sees one byte too far. */
    struct str content = buf_str(&input);
    AUTO(free_ptr) uint8_t *exact = mem_alloc(content.len + (content.len == 0), 1);
    if (content.p)
        memcpy(exact, content.p, content.len);
    (void)LLVMFuzzerTestOneInput(exact, content.len);
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* How many inputs were run; -1 when a file or the folder cannot be read. */
static int replay_folder(const char *folder)
{
    struct dirent **entries;
    struct err err = { 0 };
    int count = scandir(folder, &entries, is_input, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (!err.code && replay_file(path, &err))
            (void)fprintf(stderr, "%s: %s\n", path, err.msg);
    }
    if (count >= 0)
        free(entries);
    return err.code ? -1 : count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count <= 0) {
            (void)fprintf(stderr, "%s: no input could be replayed\n", argv[i]);
            return 1;
        }
        (void)printf("%s: %d inputs\n", argv[i], count);
    }
    return argc > 1 ? 0 : 2;
}
