/* The engine with its threads and a loop, the real libraries and the demo model;
 * skipped, with the reason, without. */
#include "engine/engine.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/llama_api.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { SLOTS = 2, WAITING = 2, CTX = 2048 };

struct fixture {
    struct loop *loop;
    struct engine *engine;
    struct err err;
    bool is_loaded;
    size_t talking, released;
};

struct talk {
    struct fixture *f;
    struct engine_run *run;
    struct buf said; /* a letter for each event: a s t e */
    struct buf text;
    size_t cancel_at_texts; /* 0: never */
    size_t texts;
    struct err err;
    enum engine_stop stop;
    struct engine_timings timings;
};

/* --- A loop that turns until something holds ------------------------------- */

static void on_loaded(void *data, const struct err *err)
{
    struct fixture *f = data;
    f->is_loaded = err == NULL;
    if (err)
        f->err = *err;
    loop_stop(f->loop);
}

static struct engine_options options_for(struct fixture *f)
{
    return (struct engine_options){
        .lib_dir = getenv("RBEE_TEST_ENGINE_DIR"),
        .model_path = getenv("RBEE_TEST_MODEL"),
        .slots = SLOTS,
        .ctx = CTX,
        .threads = 1,
        .waiting_max = WAITING,
        .device = "cpu",
        .on_loaded = on_loaded,
        .data = f,
    };
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
    struct fixture *f = mem_alloc(1, sizeof(*f));
    struct engine_options options = options_for(f);

    *state = f;
    f->loop = loop_new(NULL, NULL);
    if (why_not())
        return 0;
    if (engine_open(f->loop, &options, &f->engine, &f->err) < 0)
        fail_msg("%s", f->err.msg);
    loop_run(f->loop);
    if (!f->is_loaded)
        fail_msg("%s", f->err.msg);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    engine_close(f->engine);
    loop_free(f->loop);
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

static void on_look(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

/* Turn the loop until nothing runs and nothing waits. */
static void until_idle(struct fixture *f)
{
    struct engine_stats now;
    struct loop_timer timer;

    loop_timer_init(f->loop, &timer, on_look);
    do {
        loop_timer_start(&timer, 1);
        loop_run(f->loop);
        engine_get_stats(f->engine, &now);
    } while (now.active > 0 || now.waiting > 0);
}

/* --- Runs -------------------------------------------------------------------- */

static void leave(struct talk *t)
{
    t->run = NULL;
    if (--t->f->talking == 0)
        loop_stop(t->f->loop);
}

static void on_accepted(void *data, uint64_t prompt_tokens)
{
    struct talk *t = data;
    assert_true(prompt_tokens > 0);
    (void)buf_putc(&t->said, 'a');
}

static void on_started(void *data, uint64_t cached_tokens)
{
    struct talk *t = data;
    (void)cached_tokens;
    (void)buf_putc(&t->said, 's');
}

static void on_text(void *data, const struct engine_text *text)
{
    struct talk *t = data;

    assert_true(text->text.len > 0);
    if (t->texts++ == 0)
        (void)buf_putc(&t->said, 't');
    (void)buf_add(&t->text, text->text.p, text->text.len);
    if (t->texts == t->cancel_at_texts) {
        engine_run_cancel(t->run);
        leave(t);
    }
}

static void on_end(void *data, const struct engine_end *end)
{
    struct talk *t = data;

    (void)buf_putc(&t->said, 'e');
    t->stop = end->stop;
    t->timings = end->timings;
    if (end->err)
        t->err = *end->err;
    leave(t);
}

static void on_release(void *owner)
{
    ((struct fixture *)owner)->released++;
}

static int submit(struct fixture *f, struct talk *t, const char *text, uint64_t max_tokens,
                  struct err *err)
{
    static const struct engine_run_events events = {
        .on_accepted = on_accepted, .on_started = on_started, .on_text = on_text, .on_end = on_end
    };
    /* Borrowed until it is released, which is after this returns. */
    static struct engine_message messages[16];
    static size_t next;
    struct engine_message *message = &messages[next++ % 16];

    *message = (struct engine_message){ str_of("user"), str_of(text) };
    *t = (struct talk){ .f = f, .cancel_at_texts = t->cancel_at_texts };
    buf_init(&t->said, 4096);
    buf_init(&t->text, 1 << 20);
    struct engine_run_options run = {
        .prompt = { .messages = message, .messages_len = 1, .release = on_release, .owner = f },
        .sampling = engine_sampling_default(),
        .max_tokens = max_tokens,
        .top_logprobs = -1,
        .events = &events,
        .data = t,
    };
    run.sampling.temperature = 0;
    f->talking++;
    int rc = engine_submit(f->engine, &run, &t->run, err);
    if (rc < 0)
        f->talking--;
    return rc;
}

static void must_submit(struct fixture *f, struct talk *t, const char *text, uint64_t max_tokens)
{
    struct err err;
    if (submit(f, t, text, max_tokens, &err) < 0)
        fail_msg("%s", err.msg);
}

static void talk_free(struct talk *t)
{
    buf_deinit(&t->said);
    buf_deinit(&t->text);
}

static char *long_text(size_t words)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < words; i++)
        assert_true(buf_printf(&text, "fox %zu ", i % 97));
    (void)buf_cstr(&text);
    return buf_take(&text, &(size_t){ 0 });
}

/* --- Behaviour ------------------------------------------------------------------ */

static void a_run_tells_its_life_in_order_and_ends_once(void **state)
{
    struct fixture *f = need(state);
    struct talk t = { 0 };

    must_submit(f, &t, "Hello!", 0);
    loop_run(f->loop);
    assert_string_equal(buf_cstr(&t.said), "aste");
    assert_int_equal(t.err.code, 0);
    assert_int_equal(t.stop, ENGINE_STOP_EOS);
    assert_int_equal(f->released, 1);
    assert_true(t.timings.output_tokens >= t.texts && t.timings.prompt_us > 0);
    talk_free(&t);
}

static void what_does_not_fit_into_the_queue_is_refused_at_once(void **state)
{
    struct fixture *f = need(state);
    struct talk t[SLOTS + WAITING + 1] = { 0 };
    struct err err = { 0 };

    for (size_t i = 0; i < SLOTS + WAITING; i++)
        must_submit(f, &t[i], "Count from 5 to 40.", 30);
    assert_int_equal(submit(f, &t[SLOTS + WAITING], "Hello!", 3, &err), ERR_UNAVAILABLE);
    assert_true(err.retry_after_ms > 0);
    assert_int_equal(f->released, 1); /* the refused one's */
    loop_run(f->loop);
    for (size_t i = 0; i < SLOTS + WAITING; i++) {
        assert_string_equal(buf_cstr(&t[i].said), "aste");
        assert_string_equal(buf_cstr(&t[i].text), buf_cstr(&t[0].text));
    }
    assert_int_equal(f->released, SLOTS + WAITING + 1);
    for (size_t i = 0; i <= SLOTS + WAITING; i++)
        talk_free(&t[i]);
}

static void a_prompt_that_is_too_long_ends_before_it_is_accepted(void **state)
{
    struct fixture *f = need(state);
    AUTO(free_ptr) char *text = long_text(CTX);
    struct talk t = { 0 };

    must_submit(f, &t, text, 0);
    loop_run(f->loop);
    assert_string_equal(buf_cstr(&t.said), "e");
    assert_int_equal(t.err.code, ERR_CONTEXT_LENGTH);
    assert_string_equal(t.err.param, "messages");
    assert_int_equal(f->released, 1);
    talk_free(&t);
}

static void nothing_is_told_after_a_cancel_and_the_slot_is_free(void **state)
{
    struct fixture *f = need(state);
    struct talk t = { .cancel_at_texts = 3 };

    must_submit(f, &t, "Tell me a story about a fox.", 0);
    loop_run(f->loop);
    until_idle(f);
    assert_int_equal(t.texts, 3);
    assert_string_equal(buf_cstr(&t.said), "ast");
    talk_free(&t);
}

static void runs_can_be_cancelled_before_they_have_a_slot(void **state)
{
    struct fixture *f = need(state);
    struct talk t[SLOTS + WAITING] = { 0 };

    for (size_t i = 0; i < SLOTS + WAITING; i++)
        must_submit(f, &t[i], "Count from 5 to 40.", 20);
    for (size_t i = 1; i < SLOTS + WAITING; i++) { /* all but one, wherever they are */
        engine_run_cancel(t[i].run);
        f->talking--;
    }
    loop_run(f->loop);
    until_idle(f);
    assert_string_equal(buf_cstr(&t[0].said), "aste");
    for (size_t i = 0; i < SLOTS + WAITING; i++) {
        assert_true(i == 0 || buf_len(&t[i].said) == 0);
        talk_free(&t[i]);
    }
    assert_int_equal(f->released, SLOTS + WAITING);
}

static void a_cancel_inside_a_long_prompt_frees_the_slot(void **state)
{
    struct fixture *f = need(state);
    AUTO(free_ptr) char *text = long_text(CTX / 4);
    struct talk t = { 0 };
    struct engine_stats now;

    must_submit(f, &t, text, 5);
    do { /* until its first chunk is being read, or has been */
        (void)loop_turn(f->loop);
        engine_get_stats(f->engine, &now);
    } while (now.active == 0 && f->talking > 0);
    if (f->talking > 0) {
        engine_run_cancel(t.run);
        f->talking--;
    }
    until_idle(f);
    assert_null(strchr(buf_cstr(&t.said), 'e'));
    talk_free(&t);
}

static void a_paused_run_does_not_hold_up_the_others(void **state)
{
    struct fixture *f = need(state);
    struct talk held = { 0 }, other = { 0 };

    must_submit(f, &held, "Count from 5 to 40.", 40);
    engine_run_pause(held.run);
    must_submit(f, &other, "Hello!", 0);
    f->talking--; /* do not wait for the held one */
    loop_run(f->loop);
    assert_string_equal(buf_cstr(&other.said), "aste");
    assert_null(strchr(buf_cstr(&held.said), 'e'));

    f->talking = 1;
    engine_run_resume(held.run);
    loop_run(f->loop);
    assert_string_equal(buf_cstr(&held.said), "aste");
    assert_int_equal(held.timings.output_tokens, 40);
    talk_free(&held);
    talk_free(&other);
}

static void an_engine_can_be_closed_while_runs_are_under_way(void **state)
{
    struct fixture *f = need(state);
    struct talk t[SLOTS + WAITING] = { 0 };

    for (size_t i = 0; i < SLOTS; i++)
        must_submit(f, &t[i], "Tell me a story about a fox.", 0);
    while (t[0].texts == 0)
        (void)loop_turn(f->loop);
    for (size_t i = SLOTS; i < SLOTS + WAITING; i++) /* on the pool */
        must_submit(f, &t[i], "Hello!", 0);
    engine_close(TAKE(f->engine));
    loop_free(f->loop);
    f->loop = loop_new(NULL, NULL);
    assert_int_equal(f->released, SLOTS + WAITING);
    for (size_t i = 0; i < SLOTS + WAITING; i++)
        talk_free(&t[i]);
}

/* --- What cannot be opened -------------------------------------------------------- */

static void expect_no_engine(struct fixture *f, struct engine_options options, int code,
                             const char *param)
{
    struct engine *engine = NULL;
    struct err err = { 0 };

    f->err = (struct err){ 0 };
    f->is_loaded = false;
    if (engine_open(f->loop, &options, &engine, &err) == 0) {
        loop_run(f->loop); /* until on_loaded */
        assert_false(f->is_loaded);
        err = f->err;
        engine_close(engine);
    }
    if (err.code != code)
        fail_msg("'%s' (%d), expected %s", err.msg, err.code, err_name(code));
    assert_string_equal(err.param, param);
}

static void what_is_missing_or_wrong_is_named(void **state)
{
    struct fixture *f = need(state);
    struct engine_options good = options_for(f), bad;

    bad = good;
    bad.lib_dir = "/nonexistent";
    expect_no_engine(f, bad, ERR_UNAVAILABLE, "");
    bad = good;
    bad.model_path = "/nonexistent.gguf";
    expect_no_engine(f, bad, ERR_INVALID, "model");
    bad.model_path = "/proc/self/exe";
    expect_no_engine(f, bad, ERR_INVALID, "model");
    bad = good;
    bad.device = "cuda:7";
    expect_no_engine(f, bad, ERR_INVALID, "device");
    bad = good;
    bad.ctx = 1 << 24;
    bad.slots = ENGINE_SLOTS_MAX;
    expect_no_engine(f, bad, ERR_INVALID, "ctx");
}

static void a_loading_engine_refuses_runs_and_can_be_closed(void **state)
{
    struct fixture *f = need(state);
    struct engine_options options = options_for(f);
    struct talk t = { 0 };
    struct err err = { 0 };

    engine_close(TAKE(f->engine));
    assert_int_equal(engine_open(f->loop, &options, &f->engine, &err), 0);
    assert_int_equal(submit(f, &t, "Hello!", 1, &err), ERR_UNAVAILABLE);
    assert_true(err.retry_after_ms > 0);
    engine_close(TAKE(f->engine));
    talk_free(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_run_tells_its_life_in_order_and_ends_once),
        TEST(what_does_not_fit_into_the_queue_is_refused_at_once),
        TEST(a_prompt_that_is_too_long_ends_before_it_is_accepted),
        TEST(nothing_is_told_after_a_cancel_and_the_slot_is_free),
        TEST(runs_can_be_cancelled_before_they_have_a_slot),
        TEST(a_cancel_inside_a_long_prompt_frees_the_slot),
        TEST(a_paused_run_does_not_hold_up_the_others),
        TEST(an_engine_can_be_closed_while_runs_are_under_way),
        TEST(what_is_missing_or_wrong_is_named),
        TEST(a_loading_engine_refuses_runs_and_can_be_closed),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
