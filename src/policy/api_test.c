/* Every row of the table, over one small world. */
#include "policy/api_private.h"
#include "policy/api_test_world.h"
#include "rules/vocabulary.h"

/* clang-format off */
static const struct {
    const char *member, *expression, *expected;
} rows[] = {
    { "context.queue", "ids(context.queue)", "job-1 job-2 job-3" },
    { "context.pools", "ids(context.pools)", "attic cellar shed" },
    { "context.workers", "ids(context.workers)", "w-1 w-2 w-3 w-4 w-5" },
    { "context.tenants", "ids(context.tenants)", "acme beta" },
    { "context.models", "ids(context.models)", "llama-3-70b tiny huge" },
    { "context.metrics", "context.metrics", "metrics" },
    { "context.metrics", "context.metrics.mood", "good" },
    { "context.config", "context.config.max_wait_ms .. context.config.mode", "5000night" },
    { "context.config", "context.config.absent", "nil" },
    { "context.now_ms", "context.now_ms", "1700000000000" },
    { "context.helpers", "context.helpers == helpers", "true" },
    { "context.rng", "context.rng == context.rng", "true" },
    { "context.job", "context.job == job", "true" },
    { "context.job", "context.weather", "fine" },

    { "job.id", "job.id", "job-1" },
    { "job.tenant_id", "job.tenant_id", "acme" },
    { "job.tenant_id", "context.queue[3].tenant_id", "nil" },
    { "job.session_id", "job.session_id", "s-1" },
    { "job.session_id", "context.queue[2].session_id", "nil" },
    { "job.priority", "job.priority .. context.queue[2].priority", "interactivebatch" },
    { "job.model_ref", "job.model_ref", "llama-3-70b" },
    { "job.model", "job.model", "llama-3-70b" },
    { "job.type", "job.type", "text-gen" },
    { "job.prompt_tokens", "job.prompt_tokens", "1000" },
    { "job.prompt_hash", "job.prompt_hash", "77" },
    { "job.max_tokens", "job.max_tokens", "200" },
    { "job.seed", "job.seed", "42" },
    { "job.seed", "context.queue[2].seed", "nil" },
    { "job.temperature", "job.temperature", "0.5" },
    { "job.temperature", "context.queue[2].temperature", "0.0" },
    { "job.created_at_ms", "job.created_at_ms", "1699999999000" },
    { "job.wait_ms", "job.wait_ms .. ' ' .. context.queue[2].wait_ms", "1000 60000" },
    { "job.deadline_ms", "job.deadline_ms", "30000" },
    { "job.deadline_ms", "context.queue[2].deadline_ms", "nil" },
    { "job.deadline", "job.deadline", "30000" },
    { "job.deadline", "context.queue[2].deadline == math.maxinteger", "true" },
    { "job.retry_count", "job.retry_count", "1" },
    { "job.slo_ttft_ms", "job.slo_ttft_ms", "2000" },
    { "job.slo_ttft_ms", "context.queue[2].slo_ttft_ms", "nil" },
    { "job.labels", "job.labels.project", "thesis" },
    { "job.labels", "job.labels.absent", "nil" },
    { "job.user", "job.user.name", "ada" },
    { "job.predicted_tokens", "job.predicted_tokens", "100" },
    { "job.predicted_tokens", "context.queue[2].predicted_tokens", "nil" },
    { "job.uncached_tokens", "job.uncached_tokens(worker) .. ' ' .. job:uncached_tokens(workers[2])", "1000 100" },
    { "job.cached_tokens", "job.cached_tokens['w-2']", "900" },
    { "job.bytes", "job.bytes", "4096" },
    { "job.session_worker_id", "job.session_worker_id .. tostring(context.queue[2].session_worker_id)", "w-2nil" },
    { "job.pinned_worker_id", "tostring(job.pinned_worker_id) .. context.queue[2].pinned_worker_id", "nilw-4" },
    { "job.pinned_pool_id", "tostring(job.pinned_pool_id) .. context.queue[2].pinned_pool_id", "nilcellar" },
    { "job.tenant", "job.tenant.weight", "2.0" },
    { "job.tenant", "context.queue[3].tenant", "nil" },
    { "job.tried_workers", "ids(job.tried_workers)", "w-5" },
    { "job.can_run_on", "table.concat({ tostring(job.can_run_on(worker)), select(2, job.can_run_on(workers[3])) }, ' ')", "true wrong_model" },
    { "user.geo", "job.user.geo.region", "EU" },
    { "geo.latitude", "job.user.geo.latitude .. ' ' .. worker.geo.latitude .. ' ' .. pool.geo.latitude", "52.5 40.7 48.1" },
    { "geo.latitude", "context.queue[2].user.geo.latitude", "nil" },
    { "geo.longitude", "worker.geo.longitude .. ' ' .. workers[2].geo.longitude", "-74.0 11.6" },
    { "geo.region", "worker.geo.region .. workers[2].geo.region .. workers[3].geo.region", "USEU" },

    { "worker.id", "worker.id", "w-1" },
    { "worker.pool_id", "worker.pool_id", "attic" },
    { "worker.hive_id", "worker.hive_id", "attic" },
    { "worker.status", "worker.status .. ' ' .. workers[5].status", "ready failed" },
    { "worker.liveness", "worker.liveness .. ' ' .. workers[5].liveness", "online offline" },
    { "worker.model_ref", "worker.model_ref", "llama-3-70b" },
    { "worker.model", "worker.model", "llama-3-70b" },
    { "worker.slots", "worker.slots", "4" },
    { "worker.active", "worker.active", "2" },
    { "worker.queued", "worker.queued", "1" },
    { "worker.room", "worker.room", "2" },
    { "worker.in_flight_tokens", "worker.in_flight_tokens", "500" },
    { "worker.queued_prefill_tokens", "worker.queued_prefill_tokens", "300" },
    { "worker.gpu_ids", "#worker.gpu_ids .. ':' .. table.concat(worker.gpu_ids, ',')", "2:0,1" },
    { "worker.gpus", "worker.gpus", "2" },
    { "worker.vram_mb", "worker.vram_mb", "20000" },
    { "worker.total_vram_mb", "worker.total_vram_mb", "32000" },
    { "worker.vram_free_mb", "worker.vram_free_mb", "12000" },
    { "worker.vram_free", "worker.vram_free", "12582912000" },
    { "worker.cpu_pct", "worker.cpu_pct", "12.5" },
    { "worker.rss_mb", "worker.rss_mb", "700" },
    { "worker.gpu_util_pct", "worker.gpu_util_pct", "80.0" },
    { "worker.kv_used_pct", "worker.kv_used_pct", "33.5" },
    { "worker.kv_used_pct", "workers[2].kv_used_pct", "nil" },
    { "worker.tokens_per_s", "worker.tokens_per_s", "40.0" },
    { "worker.tokens_per_s", "workers[3].tokens_per_s", "nil" },
    { "worker.prefill_tokens_per_s", "worker.prefill_tokens_per_s", "900.0" },
    { "worker.prefill_tokens_per_s", "workers[2].prefill_tokens_per_s", "nil" },
    { "worker.uptime_s", "worker.uptime_s", "3600" },
    { "worker.residency_ms", "worker.residency_ms", "3500000" },
    { "worker.first_seen_ms", "worker.first_seen_ms", "1699996400000" },
    { "worker.last_used_ms", "worker.last_used_ms", "1699999990000" },
    { "worker.load_time_ms", "worker.load_time_ms", "20000" },
    { "worker.load_time_ms", "workers[5].load_time_ms", "nil" },
    { "worker.estimated_time", "worker.estimated_time", "1234" },
    { "worker.estimated_time", "workers[2].estimated_time > 0", "true" },
    { "worker.cost_per_token", "worker.cost_per_token", "0.5" },
    { "worker.backend", "worker.backend", "cuda" },
    { "worker.capability", "worker.capability", "text-gen" },
    { "worker.capabilities", "table.concat(worker.capabilities, ' ')", "text-gen embeddings" },
    { "worker.group", "worker.group", "llm" },
    { "worker.instance", "worker.instance", "8080" },
    { "worker.pid", "worker.pid", "4711" },
    { "worker.geo", "worker.geo", "geo" },
    { "worker.labels", "worker.labels.tier", "gold" },
    { "worker.pinned", "worker.pinned", "true" },
    { "worker.static", "workers[2].static", "true" },
    { "worker.in_flight", "worker.in_flight", "1" },
    { "worker.foreign", "worker.foreign", "1" },
    { "worker.uses", "worker.uses", "9" },
    { "worker.build", "worker.build", "b1" },
    { "worker.pool", "worker.pool.labels.rack", "2" },

    { "pool.id", "pool.id", "attic" },
    { "pool.hostname", "pool.hostname", "attic.local" },
    { "pool.address", "pool.address", "10.0.0.1:8082" },
    { "pool.status", "table.concat(pools.map(function(p) return p.status end), ' ')", "healthy degraded offline" },
    { "pool.heartbeat_age_ms", "pool.heartbeat_age_ms", "250" },
    { "pool.seen_ms", "pool.seen_ms", "1699999999750" },
    { "pool.gpus", "#pool.gpus", "2" },
    { "pool.workers", "ids(pool.workers)", "w-1 w-2" },
    { "pool.cached_models", "table.concat(pool.cached_models, ' ')", "llama-3-70b tiny" },
    { "pool.labels", "pool.labels.rack", "2" },
    { "pool.geo", "pool.geo.region", "EU" },
    { "pool.free_mb", "pool.free_mb .. ' ' .. pools[2].free_mb", "9000 16000" },
    { "pool.vram_free_mb", "pool.vram_free_mb", "9000" },
    { "pool.reserved_mb", "pool.reserved_mb", "1000" },
    { "pool.ram_free_mb", "pool.ram_free_mb", "32000" },
    { "pool.has_model", "tostring(pool.has_model('big')) .. tostring(pool.has_model('huge')) .. tostring(pools[2].has_model('huge'))", "truefalsetrue" },
    { "gpu.id", "pool.gpus[2].id", "1" },
    { "gpu.name", "pool.gpus[1].name", "Big" },
    { "gpu.vram_total", "pool.gpus[2].vram_total", "8388608000" },
    { "gpu.vram_allocated", "pool.gpus[2].vram_allocated", "2097152000" },
    { "gpu.vram_free", "pool.gpus[2].vram_free", "6291456000" },
    { "gpu.vram_total_mb", "pool.gpus[2].vram_total_mb", "8000" },
    { "gpu.vram_allocated_mb", "pool.gpus[2].vram_allocated_mb", "2000" },
    { "gpu.vram_free_mb", "pool.gpus[2].vram_free_mb", "6000" },
    { "gpu.util_pct", "pool.gpus[1].util_pct", "35.5" },
    { "gpu.temperature_c", "pool.gpus[1].temperature_c", "61.0" },
    { "gpu.temperature_c", "pool.gpus[2].temperature_c", "nil" },
    { "gpu.pool_id", "pool.gpus[2].pool_id", "attic" },

    { "tenant.id", "tenants[1].id", "acme" },
    { "tenant.weight", "tenants[1].weight", "2.0" },
    { "tenant.quota_vram", "tenants[1].quota_vram", "48000" },
    { "tenant.quota_used", "tenants[1].quota_used", "32000" },
    { "tenant.quota_tokens_daily", "tenants[1].quota_tokens_daily", "1000" },
    { "tenant.tokens_used_today", "tenants[1].tokens_used_today", "400" },
    { "tenant.max_concurrent", "tenants[1].max_concurrent", "3" },
    { "tenant.concurrent", "tenants[1].concurrent", "1" },
    { "tenant.over_quota", "table.concat(tenants.map(function(t) return tostring(t.over_quota) end), ' ')", "false true" },
    { "tenant.service", "tenants[1].service", "12.5" },

    { "model.ref", "context.models[1].ref", "llama-3-70b" },
    { "model.aliases", "table.concat(context.models[1].aliases, ' ')", "default big" },
    { "model.size_bytes", "context.models[1].size_bytes", "40000000000" },
    { "model.vram_required_mb", "context.models[1].vram_required_mb", "38000" },
    { "model.context_length", "context.models[1].context_length", "8192" },
    { "model.loaded_on", "table.concat(context.models[1].loaded_on, ' ')", "w-1 w-2 w-5" },
    { "model.load_time_ms", "context.models[1].load_time_ms.attic", "20000" },
    { "model.load_time_ms", "context.models[1].load_time_ms.cellar", "nil" },
    { "model.workers", "ids(context.models[1].workers)", "w-1 w-2 w-5" },
    { "model.queued", "context.models[1].queued", "1" },
    { "model.starting", "context.models[1].starting", "0" },
    { "model.wanted", "context.models[1].wanted", "50" },
    { "model.last_wanted_ms", "context.models[1].last_wanted_ms", "1699999999000" },
    { "model.tokens_out_mean", "context.models[1].tokens_out_mean", "80" },
    { "model.run_ms_mean", "context.models[1].run_ms_mean", "2500.5" },
    { "model.load_time_on", "context.models[1].load_time_on(pool) .. ' ' .. context.models[2].load_time_on('cellar')", "20000 500" },
    { "model.load_time_on", "context.models[3].load_time_on(pool)", "nil" },
    { "model.fits", "tostring(context.models[3].fits(pool)) .. tostring(context.models[3].fits('cellar')) .. tostring(context.models[2].fits('shed'))", "falsetruefalse" },

    { "metrics.queue_depth", "context.metrics.queue_depth", "3" },
    { "metrics.queue_depth_interactive", "context.metrics.queue_depth_interactive", "2" },
    { "metrics.queue_depth_batch", "context.metrics.queue_depth_batch", "1" },
    { "metrics.total_workers", "context.metrics.total_workers", "5" },
    { "metrics.ready_workers", "context.metrics.ready_workers > 0", "true" },
    { "metrics.busy_workers", "math.type(context.metrics.busy_workers)", "integer" },
    { "metrics.total_pools", "context.metrics.total_pools", "3" },
    { "metrics.healthy_pools", "context.metrics.healthy_pools", "1" },
    { "metrics.free_vram_mb", "context.metrics.free_vram_mb > 0", "true" },
    { "metrics.avg_wait_ms", "context.metrics.avg_wait_ms + 0.0", "1000.0" },
    { "metrics.avg_tokens_per_s", "context.metrics.avg_tokens_per_s", "40.0" },
    { "metrics.saturation", "context.metrics.saturation", "0.25" },

    { "set.idle", "ids(workers.idle())", "w-1 w-2 w-3 w-4" },
    { "set.ready", "ids(workers.ready())", "w-1 w-2 w-3 w-4" },
    { "set.online", "ids(workers.online()) .. ' ' .. ids(pools:online())", "w-1 w-2 w-3 w-4 attic cellar" },
    { "set.with_model", "ids(workers.with_model('tiny')) .. ' ' .. ids(workers:with_model('default'))", "w-3 w-4 w-1 w-2 w-5" },
    { "set.with_model", "ids(workers.idle().with_model('big').with_model(context.models[1]))", "w-1 w-2" },
    { "set.with_model", "#workers.with_model('nobody') + #workers.with_model('huge')", "0" },
    { "set.with_capacity", "ids(workers.with_capacity(4000))", "w-1 w-2" },
    { "set.in_region", "ids(workers.in_region('EU')) .. ' ' .. ids(workers.in_region('US'))", "w-2 w-1" },
    { "set.with_label", "ids(workers.with_label('tier')) .. #workers.with_label('tier', 'silver')", "w-10" },
    { "set.with_capability", "ids(workers.with_capability('embeddings'))", "w-1 w-3" },
    { "set.eligible", "ids(workers.eligible(job)) .. ' ' .. ids(workers.eligible())", "w-1 w-2 w-1 w-2" },
    { "set.eligible", "ids(workers.idle().eligible(context.queue[2]))", "w-4" },
    { "set.one_build", "ids(workers.one_build()) .. '/' .. ids(workers.with_model('tiny').one_build())", "w-1/w-3 w-4" },
    { "set.prefer_healthy", "ids(workers.prefer_healthy()) .. '/' .. ids(workers.prefer_healthy(30)) .. '/' .. ids(workers.take(1).prefer_healthy(30))", "w-1 w-2/w-2/w-1" },
    { "set.to_evict", "workers.to_evict('lfu').id .. tostring(workers.take(2).to_evict())", "w-4nil" },
    { "set.filter", "ids(workers.filter(function(w) return w.gpus > 1 end))", "w-1" },
    { "set.least_loaded", "workers.least_loaded().id", "w-2" },
    { "set.least_loaded", "workers.with_model('tiny').least_loaded().id", "w-3" },
    { "set.least_loaded", "workers.take(0).least_loaded()", "nil" },
    { "set.most_vram_free", "workers.most_vram_free().id", "w-1" },
    { "set.round_robin", "(function() local s = '' for i = 1, 5 do s = s .. workers.take(3).round_robin().id end return s end)()", "w-1w-2w-1w-2w-1" },
    { "set.random", "workers.take(1).random().id .. tostring(workers.take(0).random())", "w-1nil" },
    { "set.power_of_two", "workers.take(2).power_of_two().id", "w-2" },
    { "set.power_of_two", "workers.take(0).power_of_two()", "nil" },
    { "set.warmest", "workers.warmest(job).id", "w-2" },
    { "set.lmetric", "workers.with_model(job.model).online().lmetric(job).id .. workers.take(1).lmetric().id", "w-2w-1" },
    { "set.min_by", "workers.take(2).min_by('cost_per_token').id", "w-2" },
    { "set.min_by", "workers.min_by('geo.latitude').id .. workers.min_by(function(w) return w.kv_used_pct end).id", "w-1w-1" },
    { "set.max_by", "workers.max_by(function(w) return w.vram_free_mb end).id", "w-1" },
    { "set.max_by", "context.queue.max_by('wait_ms').id .. pool.gpus.max_by('vram_free_mb').id", "job-21" },
    { "set.sort_by", "ids(workers.sort_by('cpu_pct'))", "w-5 w-3 w-4 w-1 w-2" },
    { "set.sort_by", "ids(workers.sort_by('tokens_per_s'))", "w-1 w-2" },
    { "set.sort_by", "ids(workers.sort_by('-cpu_pct'))", "w-2 w-1 w-4 w-3 w-5" },
    { "set.sort_by", "ids(workers.sort_by('-id')) .. ids(workers.sort_by('backend'))", "w-5 w-4 w-3 w-2 w-1w-3 w-4 w-5 w-1 w-2" },
    { "set.sort_by", "ids(workers.sort_by(function(w) return w.active > 0 and 7 or w.model .. w.id end))", "w-1 w-2 w-5 w-3 w-4" },
    { "set.first", "workers.first().id .. tostring(workers.take(0).first())", "w-1nil" },
    { "set.last", "workers.last().id", "w-2" },
    { "set.last", "workers.with_model('tiny').last().id", "w-4" },
    { "set.take", "ids(workers.take(2)) .. #workers.take(99)", "w-1 w-25" },
    { "set.map", "table.concat(workers.map(function(w) return w.kv_used_pct end), ' ')", "33.5" },
    { "set.any", "workers.any(function(w) return w.pinned end)", "true" },
    { "set.all", "workers.all(function(w) return w.pinned end)", "false" },
    { "set.all", "workers.take(0).all(function(w) return false end)", "true" },
    { "set.sum", "workers.sum('active') .. ' ' .. workers.sum(function(w) return w.cost_per_token end)", "2 0.75" },
    { "set.is_empty", "tostring(workers.is_empty()) .. tostring(workers.take(0).is_empty())", "falsetrue" },
    { "set.len", "workers.len() .. ' ' .. #workers", "5 5" },
    { "set.find", "workers.find('w-2').id .. context.models.find('tiny').ref .. tostring(pools.find('x'))", "w-2tinynil" },
    { "set.find", "context.models.find('big').ref .. tostring(context.models.take(0).find('big'))", "llama-3-70bnil" },
    { "queue.next", "context.queue.next().id", "job-1" },
    { "queue.in_turn", "ids(context.queue.in_turn()) .. context.queue.in_turn().by_model('tiny').first().id", "job-1 job-3 job-2job-2" },
    { "queue.by_model", "ids(context.queue.by_model('big')) .. ids(context.queue.by_model('huge'))", "job-1job-3" },
    { "queue.by_tenant", "ids(context.queue.by_tenant('beta'))", "job-2" },
    { "queue.models", "table.concat(context.queue.models(), ' ')", "llama-3-70b tiny huge" },
    { "queue.oldest", "context.queue.oldest().id", "job-2" },

    { "registry.list_all_workers", "#registry.list_all_workers()", "5" },
    { "registry.list_online_workers", "#registry.list_online_workers()", "4" },
    { "registry.list_available_workers", "#registry.list_available_workers()", "4" },
    { "registry.find_workers_by_model", "ids(registry.find_workers_by_model('tiny'))", "w-3 w-4" },
    { "registry.find_workers_with_model", "ids(pools:find_workers_with_model('tiny'))", "w-3 w-4" },
    { "registry.find_best_worker_for_model", "registry.find_best_worker_for_model(job.model).id .. tostring(registry.find_best_worker_for_model('huge'))", "w-1nil" },
    { "registry.find_idle_workers", "ids(registry.find_idle_workers())", "w-1 w-2 w-3 w-4" },
    { "registry.find_workers_with_capacity", "ids(registry.find_workers_with_capacity(4000))", "w-1 w-2" },
    { "registry.list_online_hives", "ids(registry.list_online_hives())", "attic cellar" },
    { "registry.list_available_hives", "ids(registry.list_available_hives())", "attic" },
    { "registry.get_hive", "registry.get_hive('cellar').id", "cellar" },
    { "hives.online", "ids(hives.online())", "attic cellar" },
    { "hives.available", "ids(hives.available())", "attic" },
    { "hives.get", "hives.get('cellar').status .. tostring(hives.get('x'))", "degradednil" },

    { "helpers.find_worker", "helpers.find_worker('tiny').id .. tostring(find_worker('tiny', 'attic'))", "w-3nil" },
    { "helpers.find_worker_least_loaded", "helpers.find_worker_least_loaded(job.model_ref).id .. helpers.find_worker_least_loaded('tiny', pools[2]).id", "w-2w-3" },
    { "helpers.find_worker_most_vram_free", "context.helpers.find_worker_most_vram_free(job.model_ref).id", "w-1" },
    { "helpers.find_best_worker", "find_best_worker(pools, job.model_ref).id .. find_best_worker({ pools[1] }, 'big').id .. tostring(find_best_worker(pools.take(1), 'tiny'))", "w-2w-2nil" },
    { "helpers.calculate_wait_time", "helpers.calculate_wait_time(job.id) .. ' ' .. tostring(calculate_wait_time('job-3'))", "0 nil" },
    { "helpers.check_quota", "tostring(helpers.check_quota('acme', 16000)) .. tostring(check_quota('acme', 16001)) .. tostring(check_quota('nobody', 1))", "truefalsetrue" },

    { "platform.schedule", "pcall(platform.schedule, context)", "false" },
    { "platform.schedule_job", "pcall(platform.schedule_job, job)", "false" },
    { "platform.get_source", "platform.get_source()", "-- the platform's" },
    { "log.info", "select('#', log.info('x'))", "x\ninfo 0" },
    { "log.warn", "select('#', log.warn('x'))", "x\ninfo 0" },
    { "log.debug", "select('#', log.debug(1))", " 1\ninfo 0" },
    { "rng.random", "(function() local x = context.rng.random() return x >= 0 and x < 1 end)()", "true" },
    { "rng.int", "context.rng.int(3, 3) .. context.rng:int(-1, -1)", "3-1" },
    { "rng.pick", "context.rng.pick({ 'a' }) .. context.rng.pick(workers.take(1)).id .. tostring(context.rng.pick({})) .. context.rng.pick(pool.cached_models):sub(0, 0)", "aw-1nil" },

    { "globals.context", "context.now_ms", "1700000000000" },
    { "globals.registry", "registry == pools", "true" },
    { "globals.hives", "hives", "hives" },
    { "globals.helpers", "helpers.clamp(5, 1, 3)", "3" },
    { "globals.platform", "platform", "platform" },
    { "globals.log", "log", "log" },
    { "globals.tenants", "tenants", "list of 2 tenants" },
    { "globals.string", "string.rep('a', 2) .. tostring(string.dump)", "aanil" },
    { "globals.table", "type(table.sort)", "function" },
    { "globals.math", "math.floor(1.5)", "1" },
    { "globals.utf8", "utf8.len('\xc3\xa9')", "1" },
    { "globals.reject", "reject('full', 429).action .. reject('full', 429).code .. reject('full', 429).status .. tostring(reject('x').status)", "rejectfull429nil" },
    { "globals.wait", "wait('soon', 500).action .. wait('soon', 500).reason .. wait('soon', 500).retry_after_ms .. tostring(wait().reason)", "waitsoon500nil" },
    { "globals.distance", "math.floor(distance(52.5, 13.4, 48.1, 11.6))", "505" },
    { "globals.distance", "distance(nil, 1, 2, 3)", "nil" },
    { "globals.local_time", "string.format('%d-%d-%d %d:%d %d', local_time().year, local_time().month, local_time().day, local_time().hour, local_time().minute, local_time().weekday)", "2023-11-14 22:13 2" },
    { "globals.local_time", "local_time(951782400000).day .. local_time(951782400000).month .. local_time(0).weekday", "2924" },
    { "globals.setting", "setting('max_wait_ms', 1) .. setting('mode', 'day') .. setting('mode', 7) .. setting('absent', 'x')", "5000night7x" },
    { "globals.metrics", "metrics().queue_depth", "3" },
    { "globals.get_job", "get_job('job-2').id .. tostring(get_job('x'))", "job-2nil" },
    { "globals.get_pool", "get_pool('attic').id", "attic" },
    { "globals.filter_jobs", "ids(filter_jobs(function(j) return j.priority == 'batch' end))", "job-2" },
    { "globals.filter_pools", "ids(filter_pools(function(p) return p.labels.rack == '2' end))", "attic" },
    { "globals.get_all_workers", "#get_all_workers()", "5" },
    { "globals.find_pools_with_capacity", "ids(find_pools_with_capacity(6000)) .. '/' .. ids(find_pools_with_capacity(6001))", "attic cellar/cellar" },
    { "globals.is_pool_healthy", "tostring(is_pool_healthy(pool)) .. tostring(is_pool_healthy('cellar'))", "truefalse" },
    { "globals.get_pool_utilization", "get_pool_utilization('attic')", "0.25" },
    { "globals.find_gpus_with_vram", "find_gpus_with_vram(5000)[1].id .. #find_gpus_with_vram(4000)", "12" },
    { "globals.get_gpu", "get_gpu('attic', 1).name .. tostring(get_gpu('attic', 9))", "Smallnil" },
    { "globals.check_gpu_compatibility", "tostring(check_gpu_compatibility('huge', 'attic', 0)) .. tostring(check_gpu_compatibility('huge', pool.gpus[2]))", "truefalse" },
    { "globals.estimate_performance", "estimate_performance(workers[2], job).uncached_tokens .. ' ' .. estimate_performance(workers[2]).tokens_per_s", "100 40.0" },
    { "globals.estimate_performance", "estimate_performance(workers[2], job).total_ms >= estimate_performance(workers[2], job).ttft_ms", "true" },
    { "globals.resolve_model", "resolve_model('big') .. tostring(resolve_model('x'))", "llama-3-70bnil" },
    { "globals.get_model", "get_model('big').ref .. tostring(get_model('x'))", "llama-3-70bnil" },
    { "globals.find_models_by_family", "ids(find_models_by_family('LLAMA'))", "llama-3-70b" },
    { "globals.model_size_bytes", "model_size_bytes('tiny') .. tostring(model_size_bytes('huge'))", "1000000000nil" },
    { "globals.model_vram_required", "model_vram_required('big') .. ' ' .. model_vram_required('tiny') .. tostring(model_vram_required('x'))", "38000 954nil" },
    { "globals.model_exists", "tostring(model_exists('big')) .. tostring(model_exists('x'))", "truefalse" },
    { "globals.estimate_job_duration", "estimate_job_duration(job, worker) .. tostring(estimate_job_duration('job-3'))", "1234nil" },
    { "globals.estimate_job_duration", "estimate_job_duration(job) <= estimate_job_duration(job, workers[2])", "true" },
    { "globals.can_job_fit", "tostring(can_job_fit(job, worker)) .. tostring(can_job_fit(job, workers[3])) .. tostring(can_job_fit('job-3', pools[2]))", "truefalsetrue" },
    { "globals.job_priority_score", "job_priority_score(job) .. ' ' .. tostring(job_priority_score('job-2') < 1)", "1.0322580645161 true" },
    { "globals.tenant_over_quota", "tostring(tenant_over_quota('acme')) .. tostring(tenant_over_quota(context.queue[2])) .. tostring(tenant_over_quota(nil))", "falsetruefalse" },
    { "globals.tenant_remaining_quota", "tenant_remaining_quota('acme') .. ' ' .. tenant_remaining_quota('acme', 'tokens') .. ' ' .. tostring(tenant_remaining_quota('x') == math.maxinteger)", "16000 600 true" },
    { "globals.tenant_usage", "tenant_usage('acme') .. ' ' .. tenant_usage(tenants[1], 'tokens')", "32000 400" },
    { "globals.check_tenant_quota", "tostring(check_tenant_quota('acme')) .. tostring(check_tenant_quota('beta'))", "truefalse" },
    { "globals.estimate_quota_impact", "estimate_quota_impact('acme', 16000) .. tostring(estimate_quota_impact('beta', 1))", "1.0nil" },
    { "globals.find_worker_to_evict", "find_worker_to_evict('lru').id .. find_worker_to_evict('lfu').id .. find_worker_to_evict('gdsf').id", "w-3w-4w-3" },
    { "globals.find_worker_to_evict", "find_worker_to_evict('ttl').id .. tostring(find_worker_to_evict('ttl', nil, 2000000)) .. tostring(find_worker_to_evict('lru', 'attic')) .. find_worker_to_evict().id", "w-3nilnilw-3" },
    { "globals.should_evict", "tostring(should_evict('attic')) .. tostring(should_evict('cellar'))", "falsefalse" },
    { "globals.emit_metric", "select('#', emit_metric('eu_workers', 3))", "0" },
    { "globals.average", "average({ 1, 2, 6 }) .. ' ' .. average(1, 2) .. tostring(average({}))", "3.0 1.5nil" },
    { "globals.min", "min(3, 1, 2) .. ' ' .. min({ 2.5, 3 }) .. tostring(min({}))", "1 2.5nil" },
    { "globals.max", "max({ 3, 1, 2 }) .. max(worker.gpu_ids)", "31" },
    { "globals.clamp", "clamp(5, 1, 3) .. clamp(-1, 0, 1) .. clamp(0.5, 0, 1)", "300.5" },
    { "globals.contains", "tostring(contains(job.model, '70b')) .. tostring(contains(pool.cached_models, 'tiny')) .. tostring(contains({ 1 }, 2)) .. tostring(contains(workers.idle(), worker))", "truetruefalsetrue" },
    { "globals.starts_with", "tostring(starts_with(job.model, 'llama')) .. tostring(starts_with('a', 'ab'))", "truefalse" },
    { "globals.ends_with", "tostring(ends_with(job.model, '70b')) .. tostring(ends_with('a', 'ba'))", "truefalse" },
    { "globals.split", "table.concat(split('a,b,,c', ','), '|')", "a|b||c" },
};
/* clang-format on */

static void every_row_of_the_table_does_what_it_says(void **state)
{
    struct world w;
    unsigned wrong = 0;
    (void)state;

    world_open(&w, world_json);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *is = world_eval(&w, rows[i].expression);
        if (strcmp(is, rows[i].expected) == 0)
            continue;
        print_error("%s: %s\n  is       %s\n  expected %s\n", rows[i].member, rows[i].expression,
                    is, rows[i].expected);
        wrong++;
    }
    world_close(&w);
    assert_int_equal(wrong, 0);
}

static bool is_tested(enum api_object object, const char *name)
{
    char member[96];

    (void)snprintf(member, sizeof(member), "%s.%s", api_object_name(object), name);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].member, member) == 0)
            return true;
    }
    return object == API_OUTCOME; /* needs a call of its own, below */
}

static void no_row_of_the_table_is_without_a_test(void **state)
{
    unsigned missing = 0;
    (void)state;

    for (enum api_object object = 0; object < API_OBJECT_COUNT_; object++) {
        size_t len;
        const struct api_member *members = api_members(object, &len);
        for (size_t i = 0; i < len; i++) {
            if (is_tested(object, members[i].name))
                continue;
            print_error("no test of %s.%s\n", api_object_name(object), members[i].name);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void whatever_rules_can_name_is_in_the_table(void **state)
{
    static const enum api_object objects[RULE_SUBJECT_COUNT_] = {
        [RULE_JOB] = API_JOB,       [RULE_WORKER] = API_WORKER,   [RULE_POOL] = API_POOL,
        [RULE_TENANT] = API_TENANT, [RULE_METRICS] = API_METRICS,
    };
    (void)state;

    for (size_t subject = 0; subject < RULE_SUBJECT_COUNT_; subject++) {
        for (const char *const *field = rule_fields[subject]; *field; field++) {
            struct str first = { *field, strcspn(*field, ".") };
            if (subject != RULE_TIME && !api_find_member(objects[subject], first))
                fail_msg("%s.%s", api_object_name(objects[subject]), *field);
        }
    }
    for (const struct rule_method *m = rule_methods; m->name; m++) {
        if (!api_find_member(API_SET, str_of(m->name)))
            fail_msg("set.%s", m->name);
    }
}

static void every_row_of_the_table_can_be_read_about(void **state)
{
    (void)state;
    for (enum api_object object = 0; object < API_OBJECT_COUNT_; object++) {
        size_t len;
        const struct api_member *members = api_members(object, &len);
        for (size_t i = 0; i < len; i++) {
            const struct api_member *m = &members[i];
            if (!m->type || !m->words || !m->call != !m->arguments || (m->call && !m->example))
                fail_msg("%s.%s is not described", api_object_name(object), m->name);
        }
    }
}

static void an_outcome_can_be_read(void **state)
{
    struct world w;
    struct policy_call call = { .kind = ASK_OUTCOME, .job = 0 };
    (void)state;

    world_open(&w, world_json);
    world_load(
        &w, "function schedule(c) end\n"
            "function on_outcome(job, o) log.info(table.concat({ job.id, o.state, o.worker_id, "
            "o.tokens_in, o.tokens_out, o.queue_ms, o.ttft_ms, o.total_ms, o.error_code }, ' '))\n"
            "if old then log.info(tostring(old.state)) end old = o end");
    call.outcome.tokens_in = 1;
    call.outcome.tokens_out = 2;
    call.outcome.queue_ms = 3;
    call.outcome.ttft_ms = 4;
    call.outcome.total_ms = 5;
    (void)str_copy(call.outcome.state, sizeof(call.outcome.state), str_of("failed"));
    (void)str_copy(call.outcome.worker_id, sizeof(call.outcome.worker_id), str_of("w-1"));
    (void)str_copy(call.outcome.error_code, sizeof(call.outcome.error_code), str_of("timeout"));
    policy_call(w.policy, &call, &w.answer);
    assert_int_equal(w.answer.failure, POLICY_OK);
    assert_memory_equal(w.answer.log, "info job-1 failed w-1 1 2 3 4 5 timeout\n",
                        w.answer.log_len);
    policy_call(w.policy, &call, &w.answer);
    assert_non_null(memmem(w.answer.log, w.answer.log_len, "info nil\n", 9));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_does_what_it_says),
        cmocka_unit_test(no_row_of_the_table_is_without_a_test),
        cmocka_unit_test(whatever_rules_can_name_is_in_the_table),
        cmocka_unit_test(every_row_of_the_table_can_be_read_about),
        cmocka_unit_test(an_outcome_can_be_read),
    };

    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
