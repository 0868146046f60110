#include "engine/llama_api.h"
#include "engine/engine.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As the packages name it, richest first; the last is a build of one's own. */
static const char *const file_names[] = {
    ("libllama.cuda.v" LLAMA_API_VERSION ".so"),
    ("libllama.vulkan.v" LLAMA_API_VERSION ".so"),
    ("libllama.v" LLAMA_API_VERSION ".so"),
    ("libllama.so." LLAMA_API_VERSION),
};

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define F(function) { #function, offsetof(struct llama_api, function) },
    LLAMA_API_FUNCTIONS(F)
#undef F
};

#define GET_THEM                                                                     \
    "`make engine` in the source tree fetches it (npm package "                      \
    "@node-llama-cpp/linux-x64@3.22.1), or name its directory with --engine-dir or " \
    "RBEE_ENGINE_DIR"

static bool is_readable(const char *dir, const char *file, char *ret, size_t size)
{
    int len = snprintf(ret, size, "%s/%s", dir, file);
    return len > 0 && (size_t)len < size && access(ret, R_OK) == 0;
}

bool llama_api_find(const char *dir, char *ret, size_t size)
{
    for (size_t i = 0; i < sizeof(file_names) / sizeof(file_names[0]); i++) {
        if (is_readable(dir, file_names[i], ret, size))
            return true;
    }
    return false;
}

static int check_version(const struct llama_api *api, const char *path, struct err *err)
{
    const char *version = api->llama_version();
    if (strncmp(version, LLAMA_API_VERSION, strlen(LLAMA_API_VERSION)) == 0)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "'%s' is llama.cpp %s; this program needs %s", path,
                   version, LLAMA_API_VERSION);
}

int llama_api_open(const char *dir, struct llama_api *ret, struct err *err)
{
    char path[PATH_MAX];
    struct llama_api api;

    if (!llama_api_find(dir, path, sizeof(path)))
        return err_set(err, ERR_UNAVAILABLE, "no inference engine in '%s'; " GET_THEM, dir);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, ERR_UNAVAILABLE, "the inference engine cannot be loaded: %s",
                       dlerror());

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *address = dlsym(library, functions[i].name); /* in its dependencies too */
        if (!address)
            return err_set(err, ERR_UNAVAILABLE, "'%s' has no function %s: it is not llama.cpp %s",
                           path, functions[i].name, LLAMA_API_VERSION);
        memcpy((char *)&api + functions[i].offset, &address, sizeof(address));
    }
    if (check_version(&api, path, err) < 0)
        return err->code;
    *ret = api;
    return 0;
}

/* "DIR/FILE" where DIR is the running program's. */
static bool beside_program(const char *file, char *ret, size_t size)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (len <= 0)
        return false;
    exe[len] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash)
        return false;
    *slash = '\0';
    int n = snprintf(ret, size, "%s/%s", exe, file);
    return n > 0 && (size_t)n < size;
}

static bool holds_libraries(const char *dir)
{
    char path[PATH_MAX];
    return llama_api_find(dir, path, sizeof(path));
}

int engine_lib_find(const char *given, char *ret, size_t size, struct err *err)
{
    static const char *const places[] = { "../vendor/llama/lib", "../lib/rbee/engine" };

    if (given) {
        if (str_copy(ret, size, str_of(given)) && holds_libraries(ret))
            return 0;
        return err_set(err, ERR_UNAVAILABLE, "no inference engine in '%s'; " GET_THEM, given);
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (beside_program(places[i], ret, size) && holds_libraries(ret))
            return 0;
    }
    return err_set(err, ERR_UNAVAILABLE,
                   "the inference engine (llama.cpp %s) is not installed; " GET_THEM,
                   LLAMA_API_VERSION);
}
