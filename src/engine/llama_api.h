/*
 * llama_api - llama.cpp's functions, found at run time: the program starts, and says
 * what is missing, on a machine without the libraries. Parameters go by value, so the
 * headers and the libraries must be of one version; that is checked.
 */
#pragma once

#include "base/err.h"

#include <llama.h>

#include <stddef.h>

#define LLAMA_API_VERSION "0.5.0" /* of the headers that this was compiled with */

/* clang-format off */
#define LLAMA_API_FUNCTIONS(F) \
    F(ggml_backend_dev_count) F(ggml_backend_dev_get) F(ggml_backend_dev_name) \
    F(ggml_backend_dev_type) F(ggml_backend_load_all_from_path) \
    F(llama_backend_init) F(llama_batch_free) F(llama_batch_init) F(llama_chat_apply_template) \
    F(llama_context_default_params) F(llama_decode) F(llama_free) F(llama_get_embeddings_ith) \
    F(llama_get_logits_ith) F(llama_get_memory) F(llama_init_from_model) F(llama_log_set) \
    F(llama_memory_clear) F(llama_memory_seq_rm) F(llama_model_chat_template) \
    F(llama_model_default_params) F(llama_model_desc) F(llama_model_free) \
    F(llama_model_get_vocab) F(llama_model_has_decoder) F(llama_model_has_encoder) \
    F(llama_model_load_from_file) F(llama_model_n_ctx_train) F(llama_model_n_embd_out) \
    F(llama_model_n_params) F(llama_model_size) F(llama_n_ctx_seq) \
    F(llama_sampler_chain_add) F(llama_sampler_chain_default_params) \
    F(llama_sampler_chain_init) F(llama_sampler_free) F(llama_sampler_init_dist) \
    F(llama_sampler_init_greedy) F(llama_sampler_init_min_p) F(llama_sampler_init_penalties) \
    F(llama_sampler_init_temp) F(llama_sampler_init_top_k) F(llama_sampler_init_top_p) \
    F(llama_sampler_sample) F(llama_token_to_piece) F(llama_tokenize) F(llama_version) \
    F(llama_vocab_get_attr) F(llama_vocab_get_text) F(llama_vocab_is_eog) \
    F(llama_vocab_n_tokens) F(llama_vocab_type)
/* clang-format on */

/* NOLINTBEGIN(bugprone-macro-parentheses): a member's name cannot have them. */
struct llama_api {
#define F(name) __typeof__(&name) name;
    LLAMA_API_FUNCTIONS(F)
#undef F
};
/* NOLINTEND(bugprone-macro-parentheses) */

/*
 * Open the libraries in `dir`. They stay open until the process ends: their backends
 * register themselves for good.
 * Errors: ERR_UNAVAILABLE (not there, or not of LLAMA_API_VERSION).
 */
MUST_CHECK int llama_api_open(const char *dir, struct llama_api *ret, struct err *err);

/* The file in `dir` that llama_api_open() would open; false when there is none. */
bool llama_api_find(const char *dir, char *ret, size_t size);
