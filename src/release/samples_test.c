/* Every policy that rbee's documents have shown so far, as printed, must be fit to run. */
#include "release/test_trial.h"

struct sample {
    const char *name;
    enum script_language language;
    const char *text;
};

static const struct sample samples[] = {
    { "003 platform", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "    if tenant_over_quota(job.tenant_id) {\n"
      "        return reject(\"quota_exceeded\");\n"
      "    }\n"
      "    if job.priority == \"interactive\" {\n"
      "        return workers.least_loaded();\n"
      "    } else {\n"
      "        return workers.min_by(|w| w.cost_per_token);\n"
      "    }\n"
      "}\n" },
    { "003 home", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "    if job.model.contains(\"70b\") {\n"
      "        return workers.filter(|w| w.gpus > 1).first();\n"
      "    }\n"
      "    if job.type == \"image-gen\" {\n"
      "        return workers\n"
      "            .filter(|w| w.capability == \"image-gen\" && w.backend == \"cuda\")\n"
      "            .least_loaded();\n"
      "    }\n"
      "    return workers.min_by(|w| w.cost_per_token);\n"
      "}\n" },
    { "003 cost", SCRIPT_RHAI,
      "// Route to cheapest provider that meets deadline\n"
      "fn schedule_job(job, pools, workers) {\n"
      "    let deadline_ok = workers.filter(|w| \n"
      "        w.estimated_time < job.deadline\n"
      "    );\n"
      "    if deadline_ok.is_empty() {\n"
      "        return reject(\"no_workers_meet_deadline\");\n"
      "    }\n"
      "    return deadline_ok.min_by(|w| w.cost_per_token);\n"
      "}\n" },
    { "003 latency", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "    let user_lat = job.user.geo.latitude;\n"
      "    let user_lon = job.user.geo.longitude;\n"
      "    return workers.min_by(|w| {\n"
      "        distance(user_lat, user_lon, w.geo.latitude, w.geo.longitude)\n"
      "    });\n"
      "}\n" },
    { "003 multimodal", SCRIPT_RHAI,
      "fn schedule_job(job, registry, workers) {\n"
      "    if job.model.contains(\"70b\") {\n"
      "        let high_vram = workers.filter(|w| w.total_vram_mb > 40000);\n"
      "        if !high_vram.is_empty() {\n"
      "            return high_vram.idle().first();\n"
      "        }\n"
      "    }\n"
      "    let with_model = workers.with_model(job.model).idle();\n"
      "    if !with_model.is_empty() {\n"
      "        return with_model.least_loaded();\n"
      "    }\n"
      "    let with_capacity = workers.with_capacity(8192).idle();\n"
      "    if !with_capacity.is_empty() {\n"
      "        return with_capacity.first();\n"
      "    }\n"
      "    return reject(\"no_available_workers\");\n"
      "}\n" },
    { "003 eu", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "    let eu_workers = workers.filter(|w| \n"
      "        w.geo.region == \"EU\"\n"
      "    );\n"
      "    if eu_workers.is_empty() {\n"
      "        return reject(\"no_eu_workers_available\");\n"
      "    }\n"
      "    return eu_workers.least_loaded();\n"
      "}\n" },
    { "003 rules", SCRIPT_YAML,
      "rules:\n"
      "  - name: \"Large models to multi-GPU\"\n"
      "    condition:\n"
      "      model_contains: \"70b\"\n"
      "    action:\n"
      "      select: \"workers.filter(gpus > 1).first()\"\n"
      "  - name: \"Image gen to CUDA\"\n"
      "    condition:\n"
      "      task_type: \"image-gen\"\n"
      "    action:\n"
      "      select: \"workers.filter(backend == 'cuda').least_loaded()\"\n"
      "  - name: \"Default to cheapest\"\n"
      "    condition: true\n"
      "    action:\n"
      "      select: \"workers.min_by(cost_per_token)\"\n" },
    { "004 rules", SCRIPT_YAML,
      "scheduler:\n"
      "  name: \"determinism-first\"\n"
      "  version: \"1.0\"\n"
      "  rules:\n"
      "    - name: \"prioritize-seeded-jobs\"\n"
      "      condition:\n"
      "        job.seed: { exists: true }\n"
      "      action:\n"
      "        dispatch:\n"
      "          worker_selection: \"least-loaded\"\n"
      "          model_match: required\n"
      "      priority: 100\n"
      "    - name: \"batch-jobs-low-priority\"\n"
      "      condition:\n"
      "        job.priority: \"batch\"\n"
      "      action:\n"
      "        dispatch:\n"
      "          worker_selection: \"most-vram-free\"\n"
      "      priority: 50\n"
      "    - name: \"fallback\"\n"
      "      condition: always\n"
      "      action:\n"
      "        use: \"platform-scheduler\"\n"
      "      priority: 0\n" },
    { "004 batch rules", SCRIPT_YAML,
      "scheduler:\n"
      "  name: \"batch-optimized\"\n"
      "  rules:\n"
      "    - name: \"batch-to-most-vram\"\n"
      "      condition:\n"
      "        job.priority: \"batch\"\n"
      "      action:\n"
      "        dispatch:\n"
      "          worker_selection: \"most-vram-free\"\n" },
    { "004 seeded", SCRIPT_LUA,
      "function schedule(context)\n"
      "  local queue = context.queue\n"
      "  local pools = context.pools\n"
      "  for _, job in ipairs(queue) do\n"
      "    if job.seed ~= nil then\n"
      "      local worker = find_best_worker(pools, job.model_ref)\n"
      "      if worker then\n"
      "        return {\n"
      "          action = \"dispatch\",\n"
      "          job_id = job.id,\n"
      "          worker_id = worker.id\n"
      "        }\n"
      "      end\n"
      "    end\n"
      "  end\n"
      "  return platform.schedule(context)\n"
      "end\n" },
    { "004 batch", SCRIPT_LUA,
      "function schedule(context)\n"
      "  for _, job in ipairs(context.queue) do\n"
      "    if job.priority == \"batch\" then\n"
      "      local worker = context.helpers.find_worker_most_vram_free(job.model_ref)\n"
      "      if worker then\n"
      "        return { action = \"dispatch\", job_id = job.id, worker_id = worker.id }\n"
      "      end\n"
      "    end\n"
      "  end\n"
      "  return platform.schedule(context)\n"
      "end\n" },
};

static void what_the_documents_show_is_valid(void **state)
{
    struct trial *t = *state;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct validation_result *r =
            try_text(t, samples[i].language, str_of(samples[i].text));
        for (size_t j = 0; j < r->diagnostics.len && !r->is_valid; j++)
            print_message("line %u: %s\n", r->diagnostics.items[j].line,
                          r->diagnostics.items[j].message);
        if (!r->is_valid)
            fail_msg("%s is not valid", samples[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_documents_show_is_valid, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
