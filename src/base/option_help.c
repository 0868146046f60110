/* --help and the man page, both written from the table that also parses. */
#include "base/option_internal.h"

#include <ctype.h>
#include <stdio.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 80, SYNTAX_SIZE = 160, TEXT_SIZE = 1024 };

/* --- what both say of one option --- */

static const char *metavar(const struct option *o)
{
    static const char *const by_type[] = {
        [OPTION_FLAG] = "",         [OPTION_TEXT] = "TEXT", [OPTION_INT] = "N",
        [OPTION_DOUBLE] = "X",      [OPTION_SIZE] = "SIZE", [OPTION_CHOICE] = "WORD",
        [OPTION_DURATION] = "TIME", [OPTION_LIST] = "TEXT",
    };

    return o->metavar ? o->metavar : by_type[o->type];
}

static bool is_shown(const struct option *o)
{
    return !(o->flags & OPTION_HIDDEN);
}

static bool is_on_by_default(const struct option *o)
{
    return o->type == OPTION_FLAG && o->fallback && strcmp(o->fallback, "true") == 0;
}

static void add_syntax(struct buf *out, const struct option *o)
{
    (void)buf_printf(out, "--%s%s", is_on_by_default(o) ? "no-" : "", o->name);
    if (o->type != OPTION_FLAG)
        (void)buf_printf(out, "=%s", metavar(o));
}

/* "; " between, "[" before the first. */
static void add_note(struct buf *out, bool *has_note, const char *label, const char *text)
{
    (void)buf_printf(out, "%s%s%s", *has_note ? "; " : " [", label, text);
    *has_note = true;
}

/* "How many jobs may wait [from 1 to 100000; default 1000]" */
static void add_text(struct buf *out, const struct option *o)
{
    char allowed[OPTION_ALLOWED_SIZE];
    bool has_note = false;

    option_describe(o, allowed);
    const char *range = o->type == OPTION_CHOICE ? allowed : strstr(allowed, "from ");
    (void)buf_puts(out, o->help);
    if (range)
        add_note(out, &has_note, "", range);
    if (o->fallback && o->type != OPTION_FLAG)
        add_note(out, &has_note, "default ", o->fallback);
    if (o->type == OPTION_LIST)
        add_note(out, &has_note, "", "repeatable");
    if (has_note)
        (void)buf_putc(out, ']');
}

/* --- help --- */

static void pad_to(struct buf *out, size_t *column, size_t wanted)
{
    for (; *column < wanted; (*column)++)
        (void)buf_putc(out, ' ');
}

/* Words from the column on, in lines of at most HELP_WIDTH. */
static void wrap(struct buf *out, size_t column, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
            (void)buf_putc(out, '\n');
            column = 0;
        } else if (column > HELP_COLUMN) {
            (void)buf_putc(out, ' ');
            column++;
        }
        pad_to(out, &column, HELP_COLUMN);
        (void)buf_add(out, text, len);
        column += len;
        text += len;
    }
    (void)buf_putc(out, '\n');
}

static void help_row(struct buf *out, const struct option *o)
{
    char syntax[SYNTAX_SIZE], text[TEXT_SIZE];
    struct buf left, right;

    buf_init_fixed(&left, syntax, sizeof(syntax));
    buf_init_fixed(&right, text, sizeof(text));
    if (o->letter)
        (void)buf_printf(&left, "  -%c, ", o->letter);
    else
        (void)buf_puts(&left, "      ");
    add_syntax(&left, o);
    add_text(&right, o);

    (void)buf_add(out, left.p, buf_len(&left));
    size_t column = buf_len(&left);
    if (column + 2 > HELP_COLUMN) {
        (void)buf_putc(out, '\n');
        column = 0;
    }
    wrap(out, column, buf_cstr(&right));
}

void options_help(const struct option_program *program, struct buf *out)
{
    (void)buf_printf(out, "Usage: %s %s\n%s\n\nOptions:\n", program->name, program->usage,
                     program->summary);
    for (const struct option *o = program->options; o->name; o++) {
        if (is_shown(o))
            help_row(out, o);
    }
    if (program->env_prefix)
        (void)buf_printf(out,
                         "\nOptions can also be set in the environment (%sNAME) and in the\n"
                         "configuration file (NAME: VALUE). A flag wins over the environment,\n"
                         "which wins over the file.\n",
                         program->env_prefix);
    if (program->exits)
        (void)buf_puts(out, "\nExit status:\n");
    for (const struct option_exit *e = program->exits; e && e->meaning; e++)
        (void)buf_printf(out, "%5d  %s\n", e->code, e->meaning);
}

/* --- man --- */

/* Text that roff must not take for its own: backslashes, and a dot or an
 * apostrophe where a line begins. Dashes stay dashes for copying. */
static void roff_char(struct buf *out, char c, bool line_begins)
{
    if (line_begins && (c == '.' || c == '\''))
        (void)buf_puts(out, "\\&");
    if (c == '\\')
        (void)buf_puts(out, "\\e");
    else if (c == '-')
        (void)buf_puts(out, "\\-");
    else
        (void)buf_putc(out, c);
}

/* An empty line parts paragraphs. */
static void roff(struct buf *out, const char *text)
{
    for (bool line_begins = true; *text; text++) {
        if (line_begins && *text == '\n')
            (void)buf_puts(out, ".PP\n");
        else
            roff_char(out, *text, line_begins);
        line_begins = *text == '\n';
    }
}

static void man_heading(struct buf *out, const struct option_program *program)
{
    (void)buf_puts(out, ".TH ");
    for (const char *p = program->name; *p; p++)
        (void)buf_putc(out, (char)toupper((unsigned char)*p));
    (void)buf_puts(out, " 1 \"\" \"rbee " RBEE_VERSION "\" \"rbee manual\"\n.SH NAME\n");
    roff(out, program->name);
    (void)buf_puts(out, " \\- ");
    roff(out, program->summary);
    (void)buf_puts(out, "\n.SH SYNOPSIS\n.B ");
    roff(out, program->name);
    (void)buf_putc(out, '\n');
    roff(out, program->usage);
    (void)buf_puts(out, "\n.SH DESCRIPTION\n");
    roff(out, program->description ? program->description : program->summary);
    (void)buf_putc(out, '\n');
}

static void man_option(struct buf *out, const struct option *o)
{
    char syntax[SYNTAX_SIZE], text[TEXT_SIZE];
    struct buf left, right;

    buf_init_fixed(&left, syntax, sizeof(syntax));
    buf_init_fixed(&right, text, sizeof(text));
    if (o->letter)
        (void)buf_printf(&left, "-%c, ", o->letter);
    add_syntax(&left, o);
    add_text(&right, o);
    (void)buf_puts(out, ".TP\n.B ");
    roff(out, buf_cstr(&left));
    (void)buf_putc(out, '\n');
    roff(out, buf_cstr(&right));
    (void)buf_puts(out, ".\n");
}

static void man_sources(struct buf *out, const struct option_program *program)
{
    if (!program->env_prefix)
        return;
    (void)buf_puts(out, ".SH ENVIRONMENT AND CONFIGURATION FILE\n");
    (void)buf_printf(out,
                     "Most options can be set by a variable, named \\fB%sNAME\\fR with the\n"
                     "option's name in capitals and underscores for dashes, and in the\n"
                     "configuration file by the option's name without dashes in front.\n"
                     "A flag wins over the environment, which wins over the file.\n"
                     "In a variable, the items of a list stand between blanks.\n",
                     program->env_prefix);
    (void)buf_puts(out, "The file is YAML, one \\fIname: value\\fR a line with lists and mappings\n"
                        "for what is repeatable, or flat TOML when its name ends in .toml.\n");
}

void options_man(const struct option_program *program, struct buf *out)
{
    man_heading(out, program);
    (void)buf_puts(out, ".SH OPTIONS\n");
    for (const struct option *o = program->options; o->name; o++) {
        if (is_shown(o))
            man_option(out, o);
    }
    man_sources(out, program);
    if (program->exits)
        (void)buf_puts(out, ".SH EXIT STATUS\n");
    for (const struct option_exit *e = program->exits; e && e->meaning; e++) {
        (void)buf_printf(out, ".TP\n.B %d\n", e->code);
        roff(out, e->meaning);
        (void)buf_puts(out, ".\n");
    }
}
