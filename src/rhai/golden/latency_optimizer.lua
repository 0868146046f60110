-- Compiled from Rhai: change that text, not this one.
local R, G, F, C = rhai, _ENV, {}, {}

F.schedule_job_3 = function(job, pools, workers)
    local user_lat = R.get(R.get(R.get(job, "user"), "geo"), "latitude")
    local user_lon = R.get(R.get(R.get(job, "user"), "geo"), "longitude")
    return (R.call(workers, "min_by", function(w)
        return (R.call_host(G, "distance", user_lat, user_lon, R.get(R.get(w, "geo"), "latitude"), R.get(R.get(w, "geo"), "longitude")))
    end))
end

G.schedule_job = R.entry(F.schedule_job_3)
