#include "jobs/forecast.h"

uint64_t forecast_whole_ms(double seconds)
{
    double ms = seconds * 1000;

    if (ms >= (double)FORECAST_MS_MAX)
        return FORECAST_MS_MAX;
    return ms > 0 ? (uint64_t)(ms + 0.5) : 0;
}

uint64_t forecast_answer_tokens(uint64_t tokens_out_mean, int64_t max_tokens)
{
    uint64_t tokens = tokens_out_mean > 0 ? tokens_out_mean : FORECAST_ANSWER_TOKENS;

    return max_tokens > 0 && (uint64_t)max_tokens < tokens ? (uint64_t)max_tokens : tokens;
}

void forecast_add_worker(struct forecast *f, const struct forecast_worker *w)
{
    uint32_t slots = w->slots > 0 ? w->slots : 1;
    double per_s = w->tokens_per_s;

    f->slots += slots;
    f->room += w->room;
    f->running += w->running;
    f->running_tokens +=
        w->running * (w->run_tokens > 0 ? w->run_tokens : (double)FORECAST_ANSWER_TOKENS);
    if (per_s <= 0)
        return;
    f->measured_slots += slots;
    f->decode_per_s += slots * per_s;
    f->prefill_per_s +=
        w->prefill_per_s > 0 ? w->prefill_per_s : per_s * FORECAST_PREFILL_PER_DECODE;
}

/* Until the first of those that run ends, as a share of a run. */
static double first_end(const struct forecast *f)
{
    uint64_t running = f->running < f->slots ? f->running : f->slots;

    return 1.0 / ((double)running + 1);
}

static uint64_t by_speed(const struct forecast *f)
{
    double all_per_measured = (double)f->slots / (double)f->measured_slots;
    double decode_per_s = f->decode_per_s * all_per_measured;
    double prefill_per_s = f->prefill_per_s * all_per_measured;
    double run_tokens =
        f->running > 0 ? f->running_tokens / (double)f->running : (double)FORECAST_ANSWER_TOKENS;

    return forecast_whole_ms(run_tokens * (double)f->slots / decode_per_s * first_end(f) +
                             f->answer_tokens / decode_per_s + f->prompt_tokens / prefill_per_s);
}

static uint64_t by_time(const struct forecast *f)
{
    double runs = first_end(f) + (double)f->ahead / (double)f->slots;

    return forecast_whole_ms(f->run_ms / 1000 * runs);
}

uint64_t forecast_wait_ms(const struct forecast *f)
{
    if (f->slots == 0)
        return FORECAST_UNKNOWN;
    if (f->before < f->room)
        return 0;
    if (f->measured_slots > 0)
        return by_speed(f);
    return f->run_ms > 0 ? by_time(f) : FORECAST_UNKNOWN;
}
