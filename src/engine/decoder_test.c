/* With the real libraries and the demo model; skipped, with the reason, without. */
#include "engine/decoder.h"

#include "base/mem.h"
#include "engine/embedder.h"
#include "engine/prepare.h"
#include "engine/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS = 4 };

struct fixture {
    struct model model;
    struct decoder *decoder;
};

/* One generation, and all that was said of it. */
struct talk {
    struct task task;
    struct buf text;
    size_t texts, logprobs, ends;
    enum engine_stop stop;
    struct err err;
};

static bool go_on(float progress, void *data)
{
    (void)progress;
    (void)data;
    return true;
}

static bool never(void *data)
{
    (void)data;
    return false;
}

static const char *why_not(void)
{
    const char *dir = getenv("RBEE_TEST_ENGINE_DIR");
    char path[512];

    if (!dir || !llama_api_find(dir, path, sizeof(path)))
        return "the engine's libraries are not installed (make engine)";
    const char *model = getenv("RBEE_TEST_MODEL");
    return model && access(model, R_OK) == 0 ? NULL : "the demo model is not there";
}

static int set_up(void **state)
{
    struct err err = { 0 };
    struct engine_options options = {
        .lib_dir = getenv("RBEE_TEST_ENGINE_DIR"),
        .model_path = getenv("RBEE_TEST_MODEL"),
        .slots = SLOTS,
        .threads = 1,
        .device = "cpu",
    };
    struct fixture *f = mem_alloc(1, sizeof(*f));

    *state = f;
    if (why_not())
        return 0;
    if (llama_api_open(options.lib_dir, &f->model.api, &err) < 0 ||
        model_load(&f->model, &options, go_on, NULL, &err) < 0 ||
        decoder_new(&f->model, never, NULL, &f->decoder, &err) < 0)
        fail_msg("%s", err.msg);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    decoder_free(f->decoder);
    model_unload(&f->model);
    free(f);
    return 0;
}

static struct fixture *need(void **state)
{
    if (why_not()) {
        print_message("skipped: %s\n", why_not());
        skip();
    }
    return *state;
}

static void talk_init(struct fixture *f, struct talk *t, const char *prompt, uint64_t max_tokens)
{
    struct engine_message message = { str_of("user"), str_of(prompt) };
    struct engine_prompt given = { .messages = &message, .messages_len = 1 };
    struct err err = { 0 };

    *t = (struct talk){ .task = { .max_tokens = max_tokens, .top_logprobs = -1 } };
    t->task.sampling = engine_sampling_default();
    t->task.sampling.temperature = 0;
    buf_init(&t->task.out, 1 << 20);
    buf_init(&t->text, 1 << 20);
    if (prepare_task(&f->model, &given, &t->task, &err) < 0)
        fail_msg("%s", err.msg);
}

static void talk_free(struct talk *t)
{
    buf_deinit(&t->task.out);
    buf_deinit(&t->text);
    free(t->task.tokens);
    free(t->task.input_ends);
}

static void hear(struct talk *t)
{
    struct str rest = buf_str(&t->task.out);
    struct record r;

    while (record_next(&rest, &r)) {
        if (r.kind == RECORD_TEXT) {
            assert_true(buf_add(&t->text, r.text.text.p, r.text.text.len));
            t->texts++;
        } else if (r.kind == RECORD_LOGPROB) {
            t->logprobs++;
            assert_true(r.logprob.logprob <= 0 && r.logprob.top_len == 3);
            assert_true(r.logprob.top[0].logprob >= r.logprob.top[1].logprob);
        } else if (r.kind == RECORD_END) {
            t->ends++;
            t->stop = r.end.stop;
            t->err = r.end.err;
        }
    }
    buf_clear(&t->task.out);
}

static void run_all(struct fixture *f, struct talk *talks, size_t len)
{
    for (size_t i = 0; i < len; i++)
        decoder_start(f->decoder, &talks[i].task);
    while (decoder_step(f->decoder)) {
        for (size_t i = 0; i < len; i++)
            hear(&talks[i]);
    }
    for (size_t i = 0; i < len; i++) {
        assert_true(talks[i].task.is_over);
        assert_int_equal(talks[i].ends, 1);
    }
}

static void the_model_answers_and_ends(void **state)
{
    struct fixture *f = need(state);
    struct talk t;

    talk_init(f, &t, "Hello!", 0);
    run_all(f, &t, 1);
    assert_int_equal(t.err.code, 0);
    assert_int_equal(t.stop, ENGINE_STOP_EOS);
    assert_true(buf_len(&t.text) > 0);
    assert_int_equal(t.task.timings.prompt_tokens, task_tokens_len(&t.task));
    assert_true(t.task.timings.output_tokens >= t.texts);
    talk_free(&t);
}

static void max_tokens_ends_it_exactly_there(void **state)
{
    struct fixture *f = need(state);
    struct talk t;

    talk_init(f, &t, "Tell me a story about a fox.", 7);
    run_all(f, &t, 1);
    assert_int_equal(t.stop, ENGINE_STOP_MAX_TOKENS);
    assert_int_equal(t.task.timings.output_tokens, 7);
    talk_free(&t);
}

static void a_stop_sequence_that_spans_tokens_is_not_shown(void **state)
{
    struct fixture *f = need(state);
    struct talk whole, cut;

    talk_init(f, &whole, "Count from 5 to 20.", 0);
    run_all(f, &whole, 1);
    const char *text = buf_cstr(&whole.text);
    assert_true(strlen(text) > 20);

    char stop[16]; /* from the middle of one word to the middle of another */
    (void)snprintf(stop, sizeof(stop), "%.9s", text + 7);
    talk_init(f, &cut, "Count from 5 to 20.", 0);
    cut.task.stops[0] = str_of(stop);
    cut.task.stops_len = 1;
    run_all(f, &cut, 1);
    assert_int_equal(cut.stop, ENGINE_STOP_SEQUENCE);
    size_t before = (size_t)(strstr(text, stop) - text);
    assert_int_equal(buf_len(&cut.text), before);
    assert_memory_equal(buf_cstr(&cut.text), text, before);
    talk_free(&whole);
    talk_free(&cut);
}

static const char *const prompts[SLOTS] = {
    "Tell me a story about a fox and a lantern.",
    "Count from 5 to 40.",
    "What is a lantern?",
    "Tell me a story about Mia in the castle.",
};

static void compare_alone_and_together(struct fixture *f, double temperature)
{
    struct talk alone[SLOTS], together[SLOTS];

    for (size_t i = 0; i < SLOTS; i++) {
        talk_init(f, &alone[i], prompts[i], 100);
        talk_init(f, &together[i], prompts[i], 100);
        alone[i].task.sampling.temperature = together[i].task.sampling.temperature = temperature;
        alone[i].task.sampling.seed = together[i].task.sampling.seed = 1000 + (uint32_t)i;
        run_all(f, &alone[i], 1);
    }
    run_all(f, together, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_string_equal(buf_cstr(&alone[i].text), buf_cstr(&together[i].text));
        talk_free(&alone[i]);
        talk_free(&together[i]);
    }
}

static void the_same_text_comes_out_alone_and_in_a_batch(void **state)
{
    struct fixture *f = need(state);

    compare_alone_and_together(f, 0);
    compare_alone_and_together(f, 0.8);
}

static void another_seed_gives_another_text(void **state)
{
    struct fixture *f = need(state);
    struct talk t[3];

    for (uint32_t i = 0; i < 3; i++) {
        talk_init(f, &t[i], prompts[0], 60);
        t[i].task.sampling.temperature = 1.0;
        t[i].task.sampling.seed = i == 2 ? UINT32_MAX : UINT32_MAX - 7 * i;
    }
    run_all(f, t, 3);
    assert_string_not_equal(buf_cstr(&t[0].text), buf_cstr(&t[1].text));
    /* llama.cpp's "any seed" is a seed like every other here. */
    assert_string_equal(buf_cstr(&t[0].text), buf_cstr(&t[2].text));
    for (size_t i = 0; i < 3; i++)
        talk_free(&t[i]);
}

static void a_slot_that_knows_the_beginning_reads_only_the_rest(void **state)
{
    struct fixture *f = need(state);
    struct talk first, again;

    talk_init(f, &first, prompts[0], 20);
    run_all(f, &first, 1);
    talk_init(f, &again, prompts[0], 20);
    run_all(f, &again, 1);
    assert_int_equal(again.task.timings.cached_tokens, task_tokens_len(&again.task) - 1);
    assert_string_equal(buf_cstr(&first.text), buf_cstr(&again.text));
    talk_free(&first);
    talk_free(&again);
}

/* A prompt of so many tokens that no other test has left in a slot. */
static void fill(struct talk *t, int32_t first, size_t tokens)
{
    for (size_t i = 0; i < tokens; i++)
        t->task.tokens[i] = first + (int32_t)(i % 400);
    t->task.input_ends[0] = tokens;
}

static void a_full_context_ends_the_answer(void **state)
{
    struct fixture *f = need(state);
    struct talk t;

    talk_init(f, &t, "x", 0);
    t.task.sampling.temperature = 1.0;
    fill(&t, 300, f->model.facts.ctx - 5);
    run_all(f, &t, 1);
    assert_true(t.task.timings.output_tokens <= 5);
    if (t.stop != ENGINE_STOP_EOS)
        assert_int_equal(t.stop, ENGINE_STOP_CONTEXT_FULL);
    assert_int_equal(t.err.code, 0);
    talk_free(&t);
}

static void a_long_prompt_does_not_keep_the_others_from_their_next_token(void **state)
{
    struct fixture *f = need(state);
    struct talk quick, slow;

    talk_init(f, &quick, prompts[1], 50);
    decoder_start(f->decoder, &quick.task);
    while (quick.texts == 0) {
        assert_true(decoder_step(f->decoder));
        hear(&quick);
    }
    talk_init(f, &slow, "x", 1);
    fill(&slow, 700, f->model.facts.ctx - 2);
    decoder_start(f->decoder, &slow.task);
    uint64_t made = quick.task.timings.output_tokens;
    assert_true(decoder_step(f->decoder)); /* reads the first chunk only */
    assert_int_equal(slow.task.timings.output_tokens, 0);
    assert_int_equal(quick.task.timings.output_tokens, made + 1);

    slow.task.is_cancelled = true; /* in the middle of its prompt */
    assert_true(decoder_step(f->decoder));
    assert_true(slow.task.is_over);
    while (decoder_step(f->decoder))
        hear(&quick);
    hear(&quick);
    assert_int_equal(quick.task.timings.output_tokens, 50);
    talk_free(&quick);
    talk_free(&slow);
}

static void a_paused_task_waits_and_goes_on_unharmed(void **state)
{
    struct fixture *f = need(state);
    struct talk alone, paused;

    talk_init(f, &alone, prompts[3], 40);
    run_all(f, &alone, 1);
    talk_init(f, &paused, prompts[3], 40);
    decoder_start(f->decoder, &paused.task);
    while (paused.task.timings.output_tokens < 10)
        assert_true(decoder_step(f->decoder));
    paused.task.is_paused = true;
    assert_false(decoder_step(f->decoder));
    assert_int_equal(paused.task.timings.output_tokens, 10);
    paused.task.is_paused = false;
    while (decoder_step(f->decoder))
        continue;
    hear(&paused);
    assert_string_equal(buf_cstr(&alone.text), buf_cstr(&paused.text));
    talk_free(&alone);
    talk_free(&paused);
}

static void each_token_has_its_logprobs(void **state)
{
    struct fixture *f = need(state);
    struct talk t;

    talk_init(f, &t, prompts[1], 12);
    t.task.top_logprobs = 3;
    run_all(f, &t, 1);
    assert_int_equal(t.logprobs, 12);
    talk_free(&t);
}

static void penalties_change_the_text(void **state)
{
    struct fixture *f = need(state);
    struct talk plain, penalised;

    talk_init(f, &plain, prompts[1], 60);
    run_all(f, &plain, 1);
    talk_init(f, &penalised, prompts[1], 60);
    penalised.task.sampling.presence_penalty = 2;
    penalised.task.sampling.repeat_penalty = 1.5;
    run_all(f, &penalised, 1);
    assert_string_not_equal(buf_cstr(&plain.text), buf_cstr(&penalised.text));
    talk_free(&plain);
    talk_free(&penalised);
}

static void a_prompt_that_does_not_fit_is_refused(void **state)
{
    struct fixture *f = need(state);
    AUTO(free_ptr) char *text = mem_alloc(1, 4001);
    struct task task = { 0 };
    struct err err = { 0 };
    struct engine_input input = { .text = { text, 4000 } };
    struct engine_prompt prompt = { .inputs = &input, .inputs_len = 1 };

    memset(text, 'q', 4000);
    assert_int_equal(prepare_task(&f->model, &prompt, &task, &err), ERR_CONTEXT_LENGTH);
    assert_non_null(strstr(err.msg, "512"));
    input.text.len = 0;
    assert_int_equal(prepare_task(&f->model, &prompt, &task, &err), ERR_INVALID);
    int32_t alien = 1 << 20;
    input = (struct engine_input){ .tokens = &alien, .tokens_len = 1 };
    assert_int_equal(prepare_task(&f->model, &prompt, &task, &err), ERR_INVALID);
}

static double dot(const float *a, const float *b, size_t len)
{
    double sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void embeddings_have_length_one_and_like_texts_are_near(void **state)
{
    struct fixture *f = need(state);
    struct engine_input inputs[3] = { { .text = str_of("a story about a fox") },
                                      { .text = str_of("a story about a bear") },
                                      { .text = str_of("17 plus 25 is 42") } };
    struct engine_prompt prompt = { .inputs = inputs, .inputs_len = 3 };
    struct embedder *e = embedder_new(&f->model, never, NULL);
    struct task task = { 0 };
    struct record r;
    struct err err;
    size_t len = f->model.facts.embedding_len, found = 0;
    const float *v[3] = { NULL };

    buf_init(&task.out, 1 << 20);
    assert_int_equal(prepare_task(&f->model, &prompt, &task, &err), 0);
    embedder_start(e, &task);
    while (embedder_step(e))
        continue;
    assert_true(task.is_over);
    struct str rest = buf_str(&task.out);
    while (record_next(&rest, &r)) {
        if (r.kind != RECORD_EMBEDDING)
            continue;
        assert_int_equal(r.embedding.index, found);
        assert_int_equal(r.embedding.values_len, len);
        v[found++] = r.embedding.values;
        assert_true(fabs(dot(r.embedding.values, r.embedding.values, len) - 1) < 1e-5);
    }
    assert_int_equal(found, 3);
    assert_true(v[0] && v[1] && v[2] && dot(v[0], v[1], len) > dot(v[0], v[2], len));
    embedder_free(e);
    buf_deinit(&task.out);
    free(task.tokens);
    free(task.input_ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_answers_and_ends),
        cmocka_unit_test(max_tokens_ends_it_exactly_there),
        cmocka_unit_test(a_stop_sequence_that_spans_tokens_is_not_shown),
        cmocka_unit_test(the_same_text_comes_out_alone_and_in_a_batch),
        cmocka_unit_test(another_seed_gives_another_text),
        cmocka_unit_test(a_slot_that_knows_the_beginning_reads_only_the_rest),
        cmocka_unit_test(a_full_context_ends_the_answer),
        cmocka_unit_test(a_long_prompt_does_not_keep_the_others_from_their_next_token),
        cmocka_unit_test(a_paused_task_waits_and_goes_on_unharmed),
        cmocka_unit_test(each_token_has_its_logprobs),
        cmocka_unit_test(penalties_change_the_text),
        cmocka_unit_test(a_prompt_that_does_not_fit_is_refused),
        cmocka_unit_test(embeddings_have_length_one_and_like_texts_are_near),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
