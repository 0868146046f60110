#include "engine/prepare.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

enum { RENDERED_BYTES_MAX = 256 * 1024 * 1024 };

struct tokens { /* of all inputs so far */
    int32_t *p;
    size_t len, cap;
};

/* Room for one more input of any length that fits into a slot. */
static int32_t *tokens_reserve(struct tokens *t, size_t more)
{
    if (t->cap - t->len < more) {
        t->cap = t->len + (t->len > more ? t->len : more);
        t->p = mem_resize(t->p, t->cap * sizeof(*t->p));
    }
    return t->p + t->len;
}

static int copy_tokens(const struct model *m, const struct engine_input *input, int32_t *to,
                       struct err *err)
{
    if (input->tokens_len >= m->facts.ctx)
        return err_set(err, ERR_CONTEXT_LENGTH,
                       "the prompt has %zu tokens, but the context is %u tokens; shorten it",
                       input->tokens_len, m->facts.ctx);
    for (size_t i = 0; i < input->tokens_len; i++) {
        if (!model_has_token(m, input->tokens[i]))
            return err_set(err, ERR_INVALID, "there is no token %d; tokens are 0 to %u",
                           (int)input->tokens[i], m->facts.vocab_len - 1);
        to[i] = input->tokens[i];
    }
    return 0;
}

static int add_input(const struct model *m, const struct engine_input *input, struct tokens *all,
                     struct err *err)
{
    int32_t *to = tokens_reserve(all, m->facts.ctx);
    size_t len = input->tokens_len;
    int rc = input->tokens ? copy_tokens(m, input, to, err)
                           : model_tokenize(m, input->text, to, &len, err);
    if (rc < 0)
        return rc;
    if (len == 0)
        return err_set(err, ERR_INVALID, "the text must not be empty");
    all->len += len;
    return 0;
}

static int add_chat(const struct model *m, const struct engine_prompt *prompt, struct tokens *all,
                    struct err *err)
{
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, RENDERED_BYTES_MAX);
    if (model_render(m, prompt->messages, prompt->messages_len, &text, err) < 0)
        return err->code;
    return add_input(m, &(struct engine_input){ .text = buf_str(&text) }, all, err);
}

static int add_all(const struct model *m, const struct engine_prompt *prompt, struct tokens *all,
                   size_t *ends, struct err *err)
{
    if (prompt->messages_len > 0) {
        int rc = add_chat(m, prompt, all, err);
        ends[0] = all->len;
        return rc;
    }
    for (size_t i = 0; i < prompt->inputs_len; i++) {
        if (add_input(m, &prompt->inputs[i], all, err) < 0)
            return err->code;
        ends[i] = all->len;
    }
    return 0;
}

int prepare_task(const struct model *m, const struct engine_prompt *prompt, struct task *task,
                 struct err *err)
{
    struct tokens all = { 0 };
    size_t inputs_len = prompt->messages_len > 0 ? 1 : prompt->inputs_len;
    AUTO(free_ptr) size_t *ends = mem_alloc(inputs_len, sizeof(*ends));

    int rc = inputs_len == 0 ? err_set(err, ERR_INVALID, "the prompt must not be empty")
                             : add_all(m, prompt, &all, ends, err);
    if (rc < 0) {
        free(all.p);
        return rc;
    }
    task->tokens = all.p;
    task->input_ends = TAKE(ends);
    task->inputs_len = inputs_len;
    return 0;
}
