#include "engine/model.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/model_file.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    CTX_TOTAL_MAX = 16 * 1024 * 1024, /* tokens of context, all slots together */
    RENDERED_BYTES_MAX = 256 * 1024 * 1024,
};

/* --- What llama.cpp says ------------------------------------------------ */

/* llama.cpp tells the reason of a failure to its log only, and the log is the
 * process's; whoever loads reads what its own thread was told. */
static _Thread_local char first_complaint[200];
static _Thread_local bool is_hushed;

static void on_log(enum ggml_log_level level, const char *text, void *data)
{
    struct str line = { text, strcspn(text, "\n") };
    (void)data;

    if (is_hushed || line.len == 0)
        return;
    if (level == GGML_LOG_LEVEL_ERROR) {
        if (!first_complaint[0]) /* what follows says that it failed, not why */
            (void)snprintf(first_complaint, sizeof(first_complaint), "%.*s", STR_ARG(line));
        log_warn("llama.cpp", LOG_STRN("says", line));
    } else if (level == GGML_LOG_LEVEL_WARN) {
        log_debug("llama.cpp", LOG_STRN("says", line));
    }
}

void model_hush(void)
{
    is_hushed = true;
}

/* --- Devices ------------------------------------------------------------ */

/* "cuda:0" is llama.cpp's "CUDA0". */
static bool is_same_device(const char *ours, const char *theirs)
{
    char joined[64];
    const char *colon = strchr(ours, ':');
    int len = colon ? (int)(colon - ours) : (int)strlen(ours);

    (void)snprintf(joined, sizeof(joined), "%.*s%s", len, ours, colon ? colon + 1 : "");
    return strcasecmp(joined, theirs) == 0;
}

static int find_device(const struct llama_api *api, const char *name, ggml_backend_dev_t *ret,
                       struct err *err)
{
    char known[128] = "";
    size_t used = 0;

    for (size_t i = 0; i < api->ggml_backend_dev_count(); i++) {
        ggml_backend_dev_t device = api->ggml_backend_dev_get(i);
        const char *theirs = api->ggml_backend_dev_name(device);
        if (is_same_device(name, theirs)) {
            *ret = device;
            return 0;
        }
        int len = snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", theirs);
        used = len > 0 && used + (size_t)len < sizeof(known) ? used + (size_t)len : used;
    }
    return err_param(err, ERR_INVALID, "device", "there is no device '%s' here; there is: %s", name,
                     known);
}

/* --- Loading ------------------------------------------------------------ */

static int load_backends(const struct llama_api *api, const char *dir, struct err *err)
{
    if (api->ggml_backend_dev_count() == 0)
        api->ggml_backend_load_all_from_path(dir);
    if (api->ggml_backend_dev_count() == 0)
        return err_set(err, ERR_UNAVAILABLE, "the engine in '%s' has no backend for this machine",
                       dir);
    api->llama_backend_init();
    return 0;
}

static int load_weights(struct model *m, const struct engine_options *options,
                        model_progress_fn *on_progress, void *data, struct err *err)
{
    struct llama_model_params params = m->api.llama_model_default_params();
    ggml_backend_dev_t devices[2] = { NULL };

    params.progress_callback = on_progress;
    params.progress_callback_user_data = data;
    params.n_gpu_layers = options->gpu_layers;
    if (options->device) {
        ggml_backend_dev_t device = NULL;
        if (find_device(&m->api, options->device, &device, err) < 0)
            return err->code;
        (void)snprintf(m->facts.backend, sizeof(m->facts.backend), "%s",
                       m->api.ggml_backend_dev_name(device));
        if (m->api.ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU)
            params.n_gpu_layers = 0; /* and no device to offload to */
        else
            devices[0] = device;
        params.devices = devices;
    }

    first_complaint[0] = '\0';
    m->llama = m->api.llama_model_load_from_file(options->model_path, params);
    if (!m->llama)
        return err_param(err, ERR_INVALID, "model", "the model '%s' cannot be loaded: %s",
                         options->model_path,
                         first_complaint[0] ? first_complaint : "llama.cpp does not say why");
    return 0;
}

static int check_kind(const struct model *m, const struct engine_options *options, struct err *err)
{
    if (m->api.llama_model_has_encoder(m->llama) || !m->api.llama_model_has_decoder(m->llama))
        return err_param(err, ERR_INVALID, "model",
                         "the model '%s' does not generate text token by token (%s)",
                         options->model_path, m->facts.description);
    if (m->facts.ctx == 0 || (uint64_t)m->facts.ctx * m->facts.slots > CTX_TOTAL_MAX)
        return err_param(
            err, ERR_INVALID, "ctx",
            "%u slots of %u tokens of context are not within 1 to %d in all; use --ctx "
            "or --slots",
            m->facts.slots, m->facts.ctx, CTX_TOTAL_MAX);
    return 0;
}

/* What the text's tokens stand for covers the text byte by byte only in these kinds of
 * vocabulary, and only if no token swallows the blanks beside it. */
static size_t text_bytes_max(const struct model *m)
{
    enum llama_vocab_type type = m->api.llama_vocab_type(m->vocab);
    size_t longest = 8; /* "<unk>", "<0x0A>" */

    if (type != LLAMA_VOCAB_TYPE_BPE && type != LLAMA_VOCAB_TYPE_SPM)
        return SIZE_MAX;
    for (unsigned i = 0; i < m->facts.vocab_len; i++) {
        unsigned attributes = (unsigned)m->api.llama_vocab_get_attr(m->vocab, (llama_token)i);
        if (attributes & (LLAMA_TOKEN_ATTR_LSTRIP | LLAMA_TOKEN_ATTR_RSTRIP))
            return SIZE_MAX;
        size_t len = strlen(m->api.llama_vocab_get_text(m->vocab, (llama_token)i));
        longest = len > longest ? len : longest;
    }
    return longest * m->facts.ctx;
}

static void gather_facts(struct model *m, const struct engine_options *options)
{
    struct engine_facts *f = &m->facts;

    m->vocab = m->api.llama_model_get_vocab(m->llama);
    (void)m->api.llama_model_desc(m->llama, f->description, sizeof(f->description));
    (void)snprintf(f->version, sizeof(f->version), "%s", m->api.llama_version());
    if (!f->backend[0])
        (void)snprintf(f->backend, sizeof(f->backend), "%s",
                       m->api.ggml_backend_dev_name(m->api.ggml_backend_dev_get(0)));
    f->slots = options->slots;
    f->threads = options->threads;
    f->ctx = options->ctx ? options->ctx : (unsigned)m->api.llama_model_n_ctx_train(m->llama);
    f->embedding_len = (unsigned)m->api.llama_model_n_embd_out(m->llama);
    f->vocab_len = (unsigned)m->api.llama_vocab_n_tokens(m->vocab);
    f->has_chat_template = m->api.llama_model_chat_template(m->llama, NULL) != NULL;
    f->params = m->api.llama_model_n_params(m->llama);
    f->model_bytes = m->api.llama_model_size(m->llama);
}

int model_load(struct model *m, const struct engine_options *options,
               model_progress_fn *on_progress, void *data, struct err *err)
{
    m->api.llama_log_set(on_log, NULL);
    if (load_backends(&m->api, options->lib_dir, err) < 0 ||
        load_weights(m, options, on_progress, data, err) < 0)
        return err->code;
    gather_facts(m, options);
    m->text_bytes_max = text_bytes_max(m);
    return check_kind(m, options, err);
}

void model_unload(struct model *m)
{
    if (m->llama)
        m->api.llama_model_free(m->llama);
    m->llama = NULL;
}

/* --- Text and tokens ----------------------------------------------------- */

static int context_length(const struct model *m, uint64_t tokens, struct err *err)
{
    return err_set(
        err, ERR_CONTEXT_LENGTH,
        "the prompt has %llu tokens, but the context of this model's slots is %u tokens, "
        "prompt and answer together; shorten the prompt",
        (unsigned long long)tokens, m->facts.ctx);
}

int model_tokenize(const struct model *m, struct str text, int32_t *ret, size_t *ret_len,
                   struct err *err)
{
    if (text.len > m->text_bytes_max || text.len > INT32_MAX)
        return err_set(
            err, ERR_CONTEXT_LENGTH,
            "the prompt of %zu bytes cannot fit into the context of %u tokens; shorten it",
            text.len, m->facts.ctx);

    int32_t n = m->api.llama_tokenize(m->vocab, text.p ? text.p : "", (int32_t)text.len, ret,
                                      (int32_t)m->facts.ctx, true, true);
    if (n == INT32_MIN)
        return context_length(m, INT32_MAX, err);
    if (n < 0 || (unsigned)n >= m->facts.ctx)
        return context_length(m, (uint64_t)(n < 0 ? -(int64_t)n : n), err);
    *ret_len = (size_t)n;
    return 0;
}

/* llama.cpp wants C strings. */
static int copy_messages(const struct engine_message *messages, size_t len,
                         struct llama_chat_message *ret, struct buf *text, struct err *err)
{
    for (size_t i = 0; i < len; i++) {
        struct str role = messages[i].role, content = messages[i].content;
        if ((role.len > 0 && memchr(role.p, '\0', role.len)) ||
            (content.len > 0 && memchr(content.p, '\0', content.len)))
            return err_param(err, ERR_INVALID, "messages",
                             "a message must not hold the character U+0000");
        if (!buf_add(text, role.p, role.len) || !buf_putc(text, '\0') ||
            !buf_add(text, content.p, content.len) || !buf_putc(text, '\0'))
            return err_param(err, ERR_CONTEXT_LENGTH, "messages", "the messages are too long");
    }
    const char *at = buf_str(text).p; /* only now: the buffer moves while it grows */
    for (size_t i = 0; i < len; i++) {
        ret[i] =
            (struct llama_chat_message){ .role = at, .content = at + messages[i].role.len + 1 };
        at = ret[i].content + messages[i].content.len + 1;
    }
    return 0;
}

static const char *template_of(const struct model *m)
{
    const char *own = m->api.llama_model_chat_template(m->llama, NULL);
    struct llama_chat_message probe = { .role = "user", .content = "" };

    /* Not every template is known to llama.cpp; ChatML is the common ground. */
    return own && m->api.llama_chat_apply_template(own, &probe, 1, true, NULL, 0) >= 0 ? own
                                                                                       : "chatml";
}

int model_render(const struct model *m, const struct engine_message *messages, size_t messages_len,
                 struct buf *out, struct err *err)
{
    AUTO(free_ptr) struct llama_chat_message *chat = mem_alloc(messages_len, sizeof(*chat));
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, RENDERED_BYTES_MAX);
    if (copy_messages(messages, messages_len, chat, &text, err) < 0)
        return err->code;

    const char *template = template_of(m);
    size_t room = buf_len(&text) + 64 * (messages_len + 1); /* the template's own words */
    for (int attempt = 0; attempt < 2; attempt++) {
        char *to = buf_reserve(out, room);
        if (!to)
            return err_param(err, ERR_CONTEXT_LENGTH, "messages", "the messages are too long");
        int32_t len =
            m->api.llama_chat_apply_template(template, chat, messages_len, true, to, (int32_t)room);
        if (len < 0)
            return err_param(err, ERR_INVALID, "messages",
                             "the messages do not suit the model's chat template");
        if ((size_t)len <= room) {
            buf_commit(out, (size_t)len);
            return 0;
        }
        room = (size_t)len;
    }
    return err_set(err, ERR_INTERNAL, "the chat template changed its mind about its length");
}

struct str model_piece(const struct model *m, int32_t token, bool show_control,
                       char piece[MODEL_PIECE_SIZE])
{
    int32_t len =
        m->api.llama_token_to_piece(m->vocab, token, piece, MODEL_PIECE_SIZE, 0, show_control);
    assert(len >= 0); /* negative: longer than any vocabulary's longest token */
    return (struct str){ piece, (size_t)len };
}
