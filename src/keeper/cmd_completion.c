/* rbee completion bash|zsh|fish, rbee man - texts out of the command tree. */
#include "keeper/help.h"
#include "keeper/keeper.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 512 * 1024 };

struct text_options {
    struct common_options common;
};

/* "rbee worker spawn" without "rbee ". */
static const char *words(const char *path)
{
    return path + strlen("rbee ");
}

static void option_words(struct buf *out, const struct option *options)
{
    for (; options && options->name; options++)
        if (!(options->flags & OPTION_HIDDEN))
            (void)buf_printf(out, " --%s%s", help_option_prefix(options), options->name);
}

static void child_words(struct buf *out, const struct command *const *children)
{
    for (; children && *children; children++)
        (void)buf_printf(out, " %s", (*children)->name);
}

/* One arm of the case that bash and zsh share: the command so far, what may follow. */
static void bash_arm(void *data, const char *path, const struct command *command)
{
    struct buf *out = data;

    (void)buf_printf(out, "        \"%s\") words=\"", words(path));
    child_words(out, command->children);
    option_words(out, command->options);
    (void)buf_puts(out, "\" ;;\n");
}

static void write_bash(struct buf *out)
{
    (void)buf_puts(out, "# bash completion for rbee: source <(rbee completion bash)\n"
                        "_rbee() {\n"
                        "    local command='' word words\n"
                        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                        "        case \"$word\" in -*) break ;; esac\n"
                        "        command=\"${command:+$command }$word\"\n"
                        "    done\n"
                        "    case \"$command\" in\n"
                        "        \"\") words=\"");
    child_words(out, keeper_commands);
    (void)buf_puts(out, " --help --version\" ;;\n");
    help_each(bash_arm, out);
    (void)buf_puts(out,
                   "        *) words='' ;;\n"
                   "    esac\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                   "}\n"
                   "complete -o default -F _rbee rbee rbee-keeper\n");
}

static void write_zsh(struct buf *out)
{
    (void)buf_puts(out, "#compdef rbee rbee-keeper\n"
                        "autoload -U +X bashcompinit && bashcompinit\n");
    write_bash(out);
}

static void fish_quote(struct buf *out, const char *text)
{
    (void)buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            (void)buf_putc(out, '\\');
        (void)buf_putc(out, *text);
    }
    (void)buf_putc(out, '\'');
}

static void fish_options(struct buf *out, const char *path, const struct option *options)
{
    for (; options && options->name; options++) {
        if (options->flags & OPTION_HIDDEN)
            continue;
        (void)buf_printf(out, "complete -c rbee -n '__rbee_at \"%s\"' -l %s%s", words(path),
                         help_option_prefix(options), options->name);
        if (options->letter)
            (void)buf_printf(out, " -s %c", options->letter);
        if (options->type != OPTION_FLAG)
            (void)buf_puts(out, " -r");
        (void)buf_puts(out, " -d ");
        fish_quote(out, options->help);
        (void)buf_putc(out, '\n');
    }
}

static void fish_child(struct buf *out, const char *at, const struct command *child)
{
    (void)buf_printf(out, "complete -c rbee -f -n '__rbee_at \"%s\"' -a %s -d ", at, child->name);
    fish_quote(out, child->summary);
    (void)buf_putc(out, '\n');
}

static void fish_command(void *data, const char *path, const struct command *command)
{
    struct buf *out = data;

    for (const struct command *const *c = command->children; c && *c; c++)
        fish_child(out, words(path), *c);
    fish_options(out, path, command->options);
}

static void write_fish(struct buf *out)
{
    (void)buf_puts(out,
                   "# fish completion for rbee: rbee completion fish | source\n"
                   "function __rbee_at\n"
                   "    set -l words (commandline -opc)[2..-1]\n"
                   "    test (string join ' ' (string match -v -- '-*' $words)) = \"$argv[1]\"\n"
                   "end\n");
    for (const struct command *const *c = keeper_commands; *c; c++)
        fish_child(out, "", *c);
    help_each(fish_command, out);
}

static const struct {
    const char *shell;
    void (*write)(struct buf *out);
} shells[] = {
    { "bash", write_bash },
    { "zsh", write_zsh },
    { "fish", write_fish },
};

static void print(void (*write)(struct buf *out))
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    write(&text);
    struct str s = buf_str(&text);
    (void)fwrite(s.p, 1, s.len, stdout);
    buf_deinit(&text);
}

static int completion(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct err err;

    (void)options;
    (void)operands_len;
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(shells[i].shell, operands[0]) == 0) {
            print(shells[i].write);
            return EXIT_DONE;
        }
    (void)err_set(&err, ERR_INVALID, "name a shell: bash, zsh or fish");
    return keeper_fail(k, &err);
}

static int man(struct keeper *k, void *options, int operands_len, char **operands)
{
    (void)k;
    (void)options;
    (void)operands_len;
    (void)operands;
    print(help_man);
    return EXIT_DONE;
}

static const struct option rows[] = { COMMON_ROWS(text_options), { 0 } };

const struct command cmd_completion = {
    .name = "completion",
    .summary = "Print the completion script of a shell",
    .usage = "bash|zsh|fish",
    .options = rows,
    .options_size = sizeof(struct text_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = completion,
};

const struct command cmd_man = {
    .name = "man",
    .summary = "Print the man page of all commands",
    .usage = "[OPTION]...",
    .options = rows,
    .options_size = sizeof(struct text_options),
    .run = man,
};
