#include "base/option_common.h"

#include "base/log.h"

#include <stdio.h>

const char *const option_log_levels[] = { "error", "warn", "info", "debug", NULL };
const char *const option_log_formats[] = { "auto", "text", "json", NULL };

enum { TEXT_MAX = 256 * 1024 };

static void print(const struct option_program *program,
                  void (*write)(const struct option_program *program, struct buf *out))
{
    struct buf out;

    buf_init(&out, TEXT_MAX);
    write(program, &out);
    (void)fputs(buf_cstr(&out), stdout);
    buf_deinit(&out);
}

bool option_common_answer(const struct option_program *program, const struct option_common *c)
{
    if (c->help)
        print(program, options_help);
    else if (c->man)
        print(program, options_man);
    else if (c->version)
        (void)printf("%s %s\n", program->name, RBEE_VERSION);
    return c->help || c->man || c->version;
}

void option_common_setup_log(const struct option_program *program, const struct option_common *c)
{
    static const enum log_format formats[] = {
        [OPTION_LOG_TEXT] = LOG_TEXT,
        [OPTION_LOG_JSON] = LOG_JSON,
    };
    bool is_auto = c->log_format == OPTION_LOG_AUTO;

    log_setup(program->name, (enum log_level)c->log_level,
              is_auto ? log_default_format() : formats[c->log_format]);
}
