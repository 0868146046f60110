-- Compiled from Rhai: change that text, not this one.
local R, G, F, C = rhai, _ENV, {}, {}

F.schedule_job_3 = function(job, registry, workers)
    if R.bool(R.call(R.get(job, "model"), "contains", "70b")) then
        local high_vram = R.call(workers, "filter", function(w) return (R.gt(R.get(w, "total_vram_mb"), 40000)) end)
        if not R.bool(R.call(high_vram, "is_empty")) then
            return (R.call(R.call(high_vram, "idle"), "first"))
        end
    end
    local with_model = R.call(R.call(workers, "with_model", R.get(job, "model")), "idle")
    if not R.bool(R.call(with_model, "is_empty")) then
        return (R.call(with_model, "least_loaded"))
    end
    local with_capacity = R.call(R.call(workers, "with_capacity", 8192), "idle")
    if not R.bool(R.call(with_capacity, "is_empty")) then
        return (R.call(with_capacity, "first"))
    end
    return (R.call_host(G, "reject", "no_available_workers"))
end

G.schedule_job = R.entry(F.schedule_job_3)
