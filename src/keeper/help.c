#include "keeper/help.h"

#include <stdio.h>
#include <string.h>

enum { HELP_WIDTH = 80, WORDS_BYTES_MAX = 8192 };

static const struct option_exit exits[] = {
    { EXIT_DONE, "Done." },
    { EXIT_FAILED, "The service refused, or the job failed." },
    { EXIT_USAGE, "Wrong command line or configuration." },
    { EXIT_UNREACHABLE, "Nobody answered at the URL." },
    { EXIT_INTERRUPTED, "Interrupted by Ctrl-C; a running job was cancelled." },
    { 0, NULL },
};

struct option_program help_program(const char *path, const struct command *command)
{
    return (struct option_program){
        .name = path,
        .summary = command->summary,
        .usage = command->usage,
        .description = command->description,
        .env_prefix = "RBEE_",
        .options = command->options,
        .exits = exits,
    };
}

const char *help_option_prefix(const struct option *o)
{
    bool is_on = o->type == OPTION_FLAG && o->fallback && strcmp(o->fallback, "true") == 0;

    return is_on ? "no-" : "";
}

/* Words in lines of at most HELP_WIDTH. */
static void wrap(struct buf *out, const char *text)
{
    size_t column = 0;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        bool fits = column == 0 || column + 1 + len <= HELP_WIDTH;
        if (column > 0)
            (void)buf_putc(out, fits ? ' ' : '\n');
        (void)buf_add(out, text, len);
        column = fits ? column + (column > 0) + len : len;
        text += len;
    }
}

void help_leaf(const char *path, const struct command *command, struct buf *out)
{
    struct option_program program = help_program(path, command);
    struct buf words;

    buf_init(&words, WORDS_BYTES_MAX);
    (void)buf_puts(&words, command->summary);
    if (command->description) {
        (void)buf_puts(&words, "\n\n");
        wrap(&words, command->description);
    }
    program.summary = buf_cstr(&words);
    options_help(&program, out);
    buf_deinit(&words);
}

void help_branch(const char *path, const char *summary, const struct command *const *children,
                 struct buf *out)
{
    (void)buf_printf(out, "Usage: %s COMMAND [OPTION]...\n%s\n\nCommands:\n", path, summary);
    for (; *children; children++)
        (void)buf_printf(out, "  %-12s %s\n", (*children)->name, (*children)->summary);
    (void)buf_printf(out, "\nRun '%s COMMAND --help' for the options of a command.\n", path);
}

static void each(const char *prefix, const struct command *const *commands,
                 void (*visit)(void *data, const char *path, const struct command *command),
                 void *data)
{
    for (; *commands; commands++) {
        char path[COMMAND_PATH_SIZE];
        (void)snprintf(path, sizeof(path), "%s %s", prefix, (*commands)->name);
        visit(data, path, *commands);
        if ((*commands)->children)
            each(path, (*commands)->children, visit, data);
    }
}

void help_each(void (*visit)(void *data, const char *path, const struct command *command),
               void *data)
{
    each("rbee", keeper_commands, visit, data);
}

/* --- The man page: one for the whole tree -------------------------------------- */

/* In roff a leading dot or quote is a request and a backslash an escape. */
static void roff_text(struct buf *out, const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            (void)buf_puts(out, "\\&");
        if (*text == '\\')
            (void)buf_puts(out, "\\e");
        else if (*text == '-')
            (void)buf_puts(out, "\\-");
        else
            (void)buf_putc(out, *text);
        line_start = *text == '\n';
    }
}

static void man_options(struct buf *out, const struct option *options)
{
    for (; options && options->name; options++) {
        if (options->flags & OPTION_HIDDEN)
            continue;
        (void)buf_puts(out, ".TP\n.B ");
        if (options->letter)
            (void)buf_printf(out, "\\-%c, ", options->letter);
        (void)buf_puts(out, "\\-\\-");
        roff_text(out, help_option_prefix(options));
        roff_text(out, options->name);
        if (options->metavar)
            (void)buf_printf(out, "=\\fI%s\\fR", options->metavar);
        (void)buf_puts(out, "\n");
        roff_text(out, options->help);
        if (options->fallback && options->type != OPTION_FLAG) {
            (void)buf_puts(out, " (default: ");
            roff_text(out, options->fallback);
            (void)buf_puts(out, ")");
        }
        (void)buf_puts(out, ".\n");
    }
}

static void man_command(void *data, const char *path, const struct command *command)
{
    struct buf *out = data;

    if (!command->run)
        return;
    (void)buf_puts(out, ".SS \"");
    roff_text(out, path);
    (void)buf_puts(out, " ");
    roff_text(out, command->usage);
    (void)buf_puts(out, "\"\n");
    roff_text(out, command->summary);
    (void)buf_puts(out, ".\n");
    if (command->description) {
        (void)buf_puts(out, ".PP\n");
        roff_text(out, command->description);
        (void)buf_puts(out, "\n");
    }
    man_options(out, command->options);
}

void help_man(struct buf *out)
{
    (void)buf_puts(out, ".TH RBEE 1 \"\" \"rbee " RBEE_VERSION "\" \"rbee\"\n"
                        ".SH NAME\nrbee, rbee\\-keeper \\- drive a private LLM cloud\n"
                        ".SH SYNOPSIS\n.B rbee\n.I COMMAND\n[\\fIOPTION\\fR]...\n"
                        ".SH DESCRIPTION\nStarts, shows and uses the queen, the hives and their "
                        "workers.\nAnswers go to standard output, everything else to standard "
                        "error.\n.SH COMMANDS\n");
    help_each(man_command, out);
    (void)buf_puts(out, ".SH EXIT STATUS\n");
    for (const struct option_exit *e = exits; e->meaning; e++) {
        (void)buf_printf(out, ".TP\n.B %d\n", e->code);
        roff_text(out, e->meaning);
        (void)buf_puts(out, "\n");
    }
    (void)buf_puts(out, ".SH FILES\n.TP\n.I ~/.config/rbee/config.toml\nOptions of every command, "
                        "such as queen_url.\n.SH SEE ALSO\n.BR queen\\-rbee (1),\n.BR "
                        "rbee\\-hive (1),\n.BR llm\\-worker\\-rbee (1)\n");
}
