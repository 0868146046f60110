/*
 * engine - one model in this process: llama.cpp, loaded at run time, behind a thread
 * of its own that decodes all running sequences in one batch (continuous batching).
 * This folder is the only one that touches llama.h and ggml.h. It knows nothing of
 * HTTP, and prefers nothing: first come, first served.
 *
 * Threads: every call and every callback is the loop's. In between, a run's prompt
 * is rendered and tokenised on the thread pool and decoded on the engine's thread;
 * what the engine says comes back through a queue, in order.
 *
 * A run ends exactly once: by `on_end` (never inside a call made on it), or by
 * engine_run_cancel(), after which no callback comes. The pointer is dead after
 * either.
 *
 *     engine_submit --> preparing --> waiting --> running --> on_end
 *                       (pool)        (for a slot)  (engine)
 *
 * Determinism: a sequence sees only its own KV cells (kv_unified is off), so with an
 * f16 model the same seed gives the same text alone and in a batch. Quantised models
 * mostly do, without a promise.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ENGINE_SLOTS_MAX = 128,
    ENGINE_THREADS_MAX = 512,
    ENGINE_STOPS_MAX = 16,
    ENGINE_STOP_BYTES_MAX = 1024,
    ENGINE_TOP_LOGPROBS_MAX = 20,
    ENGINE_EMBED_INPUTS_MAX = 2048,
    ENGINE_EMBED_FLOATS_MAX = 4 * 1024 * 1024, /* inputs x dimensions */
    /* A run whose unread output is longer than this is left out of the batch until
     * it has been read; the others go on. */
    ENGINE_UNREAD_BYTES_MAX = 64 * 1024,
};

struct loop;
struct engine;
struct engine_run;

/* --- The engine -------------------------------------------------------- */

struct engine_options {
    const char *lib_dir;    /* holds the libraries: see engine_lib_find() */
    const char *model_path; /* a GGUF file */
    unsigned slots;         /* sequences decoded at once, 1..ENGINE_SLOTS_MAX */
    unsigned ctx;           /* tokens per slot; 0: what the model was trained for */
    unsigned threads;       /* 1..ENGINE_THREADS_MAX. The engine's threads spin at barriers: more
                               than there are free cores makes it a hundred times slower */
    unsigned waiting_max;   /* runs beyond the slots that may wait */
    const char *device;     /* "cpu", "cuda:0", "vulkan:1"; NULL: whatever is there */
    int gpu_layers;         /* -1: all */

    /* The model is loaded (err NULL), or could not be: ERR_INVALID with param "model"
     * (not a model, cut short), or "device"; ERR_UNAVAILABLE (no backend); ERR_LIMIT (no
     * memory). Comes once. */
    void (*on_loaded)(void *data, const struct err *err);
    void *data;
};

/*
 * Open the libraries, look at the model's file, and start loading. Everything in
 * `options` is copied. One engine per process.
 * Errors: ERR_UNAVAILABLE (libraries missing or of another version; says how to get
 * them), ERR_INVALID with param "model" (unreadable, or not GGUF).
 */
MUST_CHECK int engine_open(struct loop *loop, const struct engine_options *options,
                           struct engine **ret, struct err *err);

/* Stops at once, also in the middle of loading or of a batch; runs that are left are
 * dropped without a callback. Blocks until the engine's thread has ended. Not from
 * inside a callback of the engine's. NULL is fine. */
void engine_close(struct engine *e);

/*
 * The directory that holds the libraries: `given`, or when that is NULL the first of
 * ../vendor/llama/lib and ../lib/rbee/engine beside the running program.
 * ERR_UNAVAILABLE when they are not there; the message names the way to get them.
 */
MUST_CHECK int engine_lib_find(const char *given, char *ret, size_t size, struct err *err);

struct engine_facts {     /* fixed once the model is loaded */
    char version[32];     /* of llama.cpp: "0.5.0-dev" */
    char backend[32];     /* the device in use: "CPU", "CUDA0" */
    char description[96]; /* "llama 3B F16" */
    char fingerprint[17]; /* of the model's file, in hex: another file, another value */
    unsigned slots, ctx, threads;
    unsigned embedding_len; /* dimensions */
    bool has_chat_template; /* it was made to answer, not only to go on with a text */
    unsigned vocab_len;
    uint64_t params, model_bytes;
};
const struct engine_facts *engine_get_facts(const struct engine *e);

struct engine_stats {
    bool is_loaded;
    double load_progress;     /* 0 to 1 */
    unsigned active;          /* slots in use */
    unsigned waiting;         /* runs being prepared, or prepared and without a slot */
    unsigned kv_used_percent; /* cells of running sequences, of all slots' */
    uint64_t prompt_tokens_total, cached_tokens_total, output_tokens_total, steps_total;
    uint64_t busy_us_total; /* time spent in decoding and sampling */
};
void engine_get_stats(struct engine *e, struct engine_stats *ret);

/* --- A run ------------------------------------------------------------- */

struct engine_message {
    struct str role, content;
};

/* Either `messages`, through the model's chat template (ChatML when it has none that
 * llama.cpp knows), or `inputs` as they are: one to generate, several to embed. */
struct engine_input {
    struct str text;
    const int32_t *tokens; /* when not NULL, instead of the text */
    size_t tokens_len;
};
struct engine_prompt {
    const struct engine_message *messages;
    size_t messages_len;
    const struct engine_input *inputs;
    size_t inputs_len;
    /* All of the above is borrowed until release(owner): called exactly once, on the
     * loop's thread, also when engine_submit() fails or the run is cancelled. */
    void (*release)(void *owner);
    void *owner;
};

struct engine_sampling {
    double temperature; /* 0: always the likeliest token */
    int top_k;          /* 0: all */
    double top_p, min_p;
    double repeat_penalty; /* 1: none; over the last `repeat_last_n` tokens made */
    unsigned repeat_last_n;
    double frequency_penalty, presence_penalty; /* 0: none; over all tokens made */
    uint32_t seed;
};

/* As llama.cpp's own programs sample when they are told nothing. */
static inline struct engine_sampling engine_sampling_default(void)
{
    return (struct engine_sampling){
        .temperature = 0.8,
        .top_k = 40,
        .top_p = 0.95,
        .min_p = 0.05,
        .repeat_penalty = 1.0,
        .repeat_last_n = 64,
    };
}

enum engine_stop {
    ENGINE_STOP_EOS,          /* the model ended its answer */
    ENGINE_STOP_SEQUENCE,     /* one of `stops` */
    ENGINE_STOP_MAX_TOKENS,   /* max_tokens */
    ENGINE_STOP_CONTEXT_FULL, /* the slot's context */
};

struct engine_text {
    struct str text;     /* whole UTF-8, never empty */
    uint64_t tokens_len; /* made so far */
};

struct engine_logprob {
    struct str text; /* the token's bytes; may be half a character */
    double logprob;
    size_t top_len;
    struct {
        struct str text;
        double logprob;
    } top[ENGINE_TOP_LOGPROBS_MAX]; /* likeliest first */
};

struct engine_timings {
    uint64_t prompt_tokens; /* all of the prompt */
    uint64_t cached_tokens; /* of them, those found in the slot */
    uint64_t output_tokens; /* made; the one that means "end" does not count */
    uint64_t waited_us;     /* for a slot */
    uint64_t prompt_us;     /* from the slot to the first token */
    uint64_t output_us;     /* from the first token to the end */
};

struct engine_end {
    const struct err *err; /* NULL: an orderly end, see `stop` */
    enum engine_stop stop;
    struct engine_timings timings;
};

struct engine_run_events { /* each may be NULL but on_end */
    /* The prompt is tokenised and fits: the run will be carried out. */
    void (*on_accepted)(void *data, uint64_t prompt_tokens);
    void (*on_started)(void *data, uint64_t cached_tokens); /* it has a slot */
    /* The logprobs of a text's tokens come before the text. Those that no text follows
     * belong to text that is not shown (a stop sequence). */
    void (*on_logprob)(void *data, const struct engine_logprob *logprob);
    void (*on_text)(void *data, const struct engine_text *text);
    /* embed: one per input, in order, of length 1 (L2). */
    void (*on_embedding)(void *data, size_t index, const float *values, size_t values_len);
    /* ERR_CONTEXT_LENGTH, ERR_INVALID (a token that the model has not, an empty prompt),
     * ERR_LIMIT (no memory on the device), ERR_INTERNAL (the engine failed). */
    void (*on_end)(void *data, const struct engine_end *end);
};

struct engine_run_options {
    struct engine_prompt prompt;
    bool embed; /* embeddings of the inputs instead of an answer */
    struct engine_sampling sampling;
    uint64_t max_tokens;     /* 0: as many as fit; more than fit are cut to that */
    const struct str *stops; /* copied; ENGINE_STOPS_MAX of ENGINE_STOP_BYTES_MAX, none empty */
    size_t stops_len;
    int top_logprobs; /* -1: no logprobs; else how many beside the chosen token's */
    const struct engine_run_events *events; /* borrowed */
    void *data;
};

/*
 * Errors, at once: ERR_UNAVAILABLE with retry_after_ms (loading, or as many runs wait
 * as may). Everything else comes by on_end.
 */
MUST_CHECK int engine_submit(struct engine *e, const struct engine_run_options *options,
                             struct engine_run **ret, struct err *err);

/* Acts between two steps of the engine, also inside a long prompt. NULL is fine. */
void engine_run_cancel(struct engine_run *run);

/* Its reader is slow: leave it out of the batch; output made so far may still come. */
void engine_run_pause(struct engine_run *run);
void engine_run_resume(struct engine_run *run);
