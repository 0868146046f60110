#include "keeper/keeper.h"

#include "keeper/terminal.h"

static int exit_code(int code)
{
    switch (code) {
    case ERR_INVALID:
    case ERR_MISSING:
        return EXIT_USAGE;
    case ERR_UNAVAILABLE:
        return EXIT_UNREACHABLE;
    case ERR_CANCELLED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILED;
    }
}

int keeper_misread(struct err *err)
{
    err->code = ERR_UPSTREAM;
    return err_wrap(err, "the answer is not what was expected");
}

int keeper_fail(const struct keeper *k, const struct err *err)
{
    bool interrupted = k->interrupted && err->code == ERR_CANCELLED;

    (void)fputs(k->color ? "\033[31mrbee:\033[0m " : "rbee: ", stderr);
    terminal_write(stderr, str_of(err->msg));
    (void)fputc('\n', stderr);
    return err->code == ERR_CANCELLED && !interrupted ? EXIT_FAILED : exit_code(err->code);
}
