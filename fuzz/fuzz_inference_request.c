/*
 * Bodies of requests to a worker, of every form: the first byte chooses which. What is
 * accepted must be something that the engine may be asked for (its asserts), and the
 * views in it must be readable to their ends.
 */
#include "worker/inference_request.h"

#include "base/mem.h"

#include <math.h>
#include "expect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void read_all(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        sink += (unsigned char)text.p[i];
}

static void check_prompt(const struct engine_prompt *p)
{
    expect((p->messages_len > 0) != (p->inputs_len > 0));
    expect(p->messages_len <= REQUEST_MESSAGES_MAX);
    expect(p->inputs_len <= ENGINE_EMBED_INPUTS_MAX);
    for (size_t i = 0; i < p->messages_len; i++) {
        expect(p->messages[i].role.len > 0);
        read_all(p->messages[i].content);
    }
    for (size_t i = 0; i < p->inputs_len; i++) {
        read_all(p->inputs[i].text);
        for (size_t k = 0; k < p->inputs[i].tokens_len; k++)
            expect(p->inputs[i].tokens[k] >= 0);
    }
}

static void check_run(const struct engine_run_options *run)
{
    const struct engine_sampling *s = &run->sampling;

    check_prompt(&run->prompt);
    expect(s->temperature >= 0 && s->temperature <= 2);
    expect(s->top_p >= 0 && s->top_p <= 1 && s->min_p >= 0 && s->min_p <= 1 && s->top_k >= 0);
    expect(s->repeat_penalty > 0 && fabs(s->frequency_penalty) <= 2);
    expect(run->max_tokens <= INT32_MAX);
    expect(run->top_logprobs >= -1 && run->top_logprobs <= ENGINE_TOP_LOGPROBS_MAX);
    expect(run->stops_len <= ENGINE_STOPS_MAX);
    for (size_t i = 0; i < run->stops_len; i++) {
        expect(run->stops[i].len > 0 && run->stops[i].len <= ENGINE_STOP_BYTES_MAX);
        read_all(run->stops[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inference_request *r = NULL;
    struct engine_run_options run;
    struct err err = { 0 };

    if (size == 0)
        return 0;
    struct str body = { (const char *)data + 1, size - 1 };
    enum inference_form form = data[0] % (FORM_EMBEDDING + 1);
    int rc = inference_request_parse(form, mem_copy(body), body.len, &r, &err);
    if (rc < 0) {
        expect(err.code == rc && err.msg[0] && !r && err_http_status(rc) == 400);
        return 0;
    }
    inference_request_choose_seed(r, 1);
    if (form == FORM_NATIVE)
        inference_request_make_chat(r);
    inference_request_to_run(r, &run);
    check_run(&run);
    run.prompt.release(run.prompt.owner);
    return 0;
}
