#include "keeper/policy_text.h"

#include "keeper/answer.h"
#include "keeper/diagnostics_view.h"

/* Escapes may make six bytes of one. */
enum { BODY_BYTES_MAX = 6 * POLICY_FILE_BYTES_MAX + 64 * 1024 };

void policy_text_write(struct json_out *out, const struct policy_file *file)
{
    json_str(out, "language", script_language_name(file->language));
    json_strn(out, "source", buf_str(&file->text));
}

unsigned policy_text_complain(const struct policy_work *c, const struct policy_file *file)
{
    bool is_stdin = strcmp(file->path, "-") == 0;
    const struct diagnostics_view view = {
        .file = is_stdin ? "<stdin>" : file->path,
        .source = buf_str(&file->text),
        .color = c->keeper->color,
        .to = stderr,
    };
    struct str answer = buf_str(&c->answer);
    uint64_t omitted = answer_uint(answer, "diagnostics_omitted");

    unsigned errors = diagnostics_view_print(&view, answer_raw(answer, "diagnostics"));
    if (omitted > 0)
        (void)fprintf(stderr, "%s: %llu more are not shown\n", view.file,
                      (unsigned long long)omitted);
    return errors;
}

/* A refusal with diagnostics is about the text, and they are its words. */
static int complain(const struct policy_work *c, const struct policy_file *file, int rc)
{
    if (!answer_raw(buf_str(&c->answer), "diagnostics").p)
        return rc;
    if (c->keeper->json)
        policy_print_answer(c);
    else
        (void)policy_text_complain(c, file);
    return EXIT_FAILED;
}

int policy_text_send(struct policy_work *c, const char *path, const struct policy_file *file,
                     void (*more)(const struct policy_work *c, struct json_out *out),
                     struct err *err)
{
    struct json_out out;
    struct buf body;

    buf_init(&body, BODY_BYTES_MAX);
    json_out_init(&out, &body);
    json_begin(&out, NULL, '{');
    policy_text_write(&out, file);
    if (more)
        more(c, &out);
    json_end(&out);
    int rc = policy_ask(c, "POST", path, buf_str(&body), err);
    buf_deinit(&body);
    return rc < 0 ? complain(c, file, rc) : EXIT_DONE;
}
