// Policies at work on a live queen: they route as they say, refuse, retry, and are asked again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killChildren } from "./lib/hostile.js";
import { liveWorld, model, policyOf, workerOf } from "./lib/live.js";
import { RawConnection } from "./lib/raw.js";
import { euOnly, samples } from "./lib/samples.js";
import { allEvents, dataOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";

const hang = { hang: "first_token" };
const placing = `
function schedule_job(job, pools, workers)
  return workers.with_model(job.model_ref).idle().first()
end
`;

// --- Routing -----------------------------------------------------------------------

const byLabel = {
  lua: `function schedule_job(job, pools, workers)
    return workers.with_model(job.model_ref).idle().with_label("tier", job.labels.tier or "slow").first()
  end`,
  yaml: `name: by-label
rules:
  - name: gold
    condition: { job.labels.tier: fast }
    action: { select: "workers.idle().with_label('tier', 'fast').first()" }
  - name: others
    condition: true
    action: { select: "workers.idle().with_label('tier', 'slow').first()" }
`,
  rhai: `fn schedule_job(job, pools, workers) {
    let tier = if job.labels.tier == "fast" { "fast" } else { "slow" };
    workers.idle().filter(|w| w.labels.tier == tier).first()
  }`,
};

test("a policy in each language sends jobs where their labels say", async (t) => {
  const live = await liveWorld(t, { slow: { labels: { tier: "slow" } }, fast: { labels: { tier: "fast" } } });
  for (const [language, source] of Object.entries(byLabel)) {
    await live.deploy(source, { language, name: `in-${language}` });
    for (const tier of ["fast", "slow", "fast"]) {
      const answer = await live.chat({ labels: { tier } });
      assert.deepEqual([answer.status, workerOf(answer), policyOf(answer)], [200, tier, `in-${language}`], language);
    }
    assert.equal(workerOf(await live.chat({}, { "x-rbee-label-tier": "fast" })), "fast", "by a header");
    assert.equal(workerOf(await live.chat()), "slow", "without a label");
  }
});

test("a policy in each language sends batch jobs elsewhere", async (t) => {
  const live = await liveWorld(t, { day: { labels: { shift: "day" } }, night: { labels: { shift: "night" } } });
  const policies = {
    lua: `function schedule(context)
      for _, job in ipairs(context.queue) do
        local shift = job.priority == "batch" and "night" or "day"
        local worker = context.workers.with_model(job.model_ref).idle().with_label("shift", shift).first()
        if worker then return { action = "dispatch", job_id = job.id, worker_id = worker.id } end
      end
    end`,
    yaml: `name: shifts
rules:
  - name: batch
    condition: { job.priority: batch }
    action: { dispatch: { worker_selection: first, filter: { labels.shift: night } } }
  - name: others
    condition: true
    action: { dispatch: { worker_selection: first, filter: { labels.shift: day } } }
`,
    rhai: `fn schedule_job(job, pools, workers) {
      let shift = switch job.priority { "batch" => "night", _ => "day" };
      workers.idle().filter(|w| w.labels.shift == shift).first()
    }`,
  };
  for (const [language, source] of Object.entries(policies)) {
    await live.deploy(source, { language });
    assert.equal(workerOf(await live.chat({ priority: "batch" })), "night", language);
    assert.equal(workerOf(await live.chat({ priority: "interactive" })), "day", language);
    assert.equal(workerOf(await live.chat({}, { "x-priority": "batch" })), "night", language);
  }
});

test("jobs go to the worker that is nearest to their user", async (t) => {
  const place = (latitude, longitude) => ({ labels: { "geo.latitude": latitude, "geo.longitude": longitude } });
  const live = await liveWorld(t, { berlin: place(52.5, 13.4), tokyo: place(35.7, 139.7) });
  const [, language, source] = samples.find(([name]) => name === "the nearest");
  await live.deploy(source, { language });
  for (const [latitude, longitude, nearest] of [["48.9", "2.4", "berlin"], ["37.6", "127.0", "tokyo"]]) {
    const labels = { "user.geo.latitude": latitude, "user.geo.longitude": longitude };
    assert.equal(workerOf(await live.chat({ labels })), nearest);
  }
});

test("a job that may only go to the EU waits for a worker there; it goes nowhere else", async (t) => {
  const live = await liveWorld(t, {
    us: { slots: 4, labels: { "geo.region": "US" } },
    eu: { slots: 1, labels: { "geo.region": "EU" }, knobs: hang },
  });
  await live.deploy(euOnly, { language: "rhai" });
  const first = await live.submit();
  await until("the EU's worker is busy", async () => (await live.fakes.eu.state()).active === 1);
  const waiting = await Promise.all([1, 2, 3].map(() => live.submit()));
  await until("they wait", async () => (await live.queen.metric("rbee_queue_depth")) === 3);
  // A job for the other worker, by its pin, shows that the queue is looked at meanwhile.
  await until("it was asked about each", async () => {
    const asked = await Promise.all(waiting.map(async (id) => (await live.get(`decisions?job_id=${id}`)).body.decisions.length > 0));
    return asked.every(Boolean);
  });
  assert.equal((await live.fakes.us.state()).started, 0);
  await live.fakes.eu.set({ hang: "" });
  await live.queen.delete(`/v1/jobs/${first}`);
  for (const id of waiting) assert.equal((await live.untilDone(id)).worker_id, "eu");
  assert.equal((await live.fakes.us.state()).started, 0);
});

test("without a worker in the EU such a job is refused in the policy's words", async (t) => {
  const live = await liveWorld(t, { us: { labels: { "geo.region": "US" } } });
  await live.deploy(euOnly, { language: "rhai", name: "gdpr" });
  const { status, body } = await live.chat();
  assert.equal(status, 403);
  assert.deepEqual([body.error.type, body.error.code, body.error.policy], ["policy_error", "no_eu_workers_available", "gdpr"]);
});

for (const [what, language, source] of samples) {
  test(`a policy of the documents serves: ${what} (${language})`, async (t) => {
    const place = { "geo.latitude": 52.5, "geo.longitude": 13.4, "geo.region": "EU" };
    const live = await liveWorld(t, { w1: { labels: { ...place, cost_per_token: "0.5" } }, w2: { labels: { ...place, cost_per_token: "0.1" } } });
    await live.deploy(source, { language });
    const geo = { "user.geo.latitude": "48.9", "user.geo.longitude": "2.4" };
    for (const change of [{}, { seed: 7 }, { priority: "batch" }, { deadline_ms: 60000 }]) {
      const answer = await live.chat({ ...change, labels: geo });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      if (source.includes("cost_per_token") && (!source.includes("least_loaded") || change.priority === "batch")) {
        assert.equal(workerOf(answer), "w2", "the cheapest");
      }
    }
    const { body } = await live.get("decisions?limit=50");
    assert.deepEqual(body.decisions.filter((one) => one.outcome === "fallback").map((one) => [one.reason, one.message]), []);
  });
}

// --- Hooks ---------------------------------------------------------------------------

const refusals = [
  ["reject('not_yours')", 403, "not_yours"],
  ["reject('slow_down', 429)", 429, "slow_down"],
  ["reject('closed_for_today', 503)", 503, "closed_for_today"],
];

for (const [answer, status, code] of refusals) {
  test(`should_admit may answer ${answer}: ${status} to clients of every kind`, async (t) => {
    const live = await liveWorld(t);
    await live.deploy(`function should_admit(job, context)
      if job.labels.team == "red" then return ${answer} end
      return true
    end${placing}`, { name: "doorman" });
    const refused = await live.chat({ labels: { team: "red" } });
    assert.equal(refused.status, status, JSON.stringify(refused.body));
    assert.deepEqual([refused.body.error.type, refused.body.error.code, refused.body.error.policy], ["policy_error", code, "doorman"]);
    assert.ok(refused.body.error.reason && refused.body.error.message);
    assert.equal(policyOf(refused), "doorman");
    if (status !== 403) assert.ok(Number(refused.headers.get("retry-after")) > 0);
    const native = await live.queen.post("/v1/jobs", { operation: "infer", model, prompt: "hi", labels: { team: "red" } });
    assert.equal(native.status, status, JSON.stringify(native.body));
    assert.deepEqual([native.body.error.code, native.body.error.policy], [code, "doorman"]);
    const stream = await live.chat({ labels: { team: "red" }, stream: true });
    assert.equal(stream.status, status, "before the first byte a stream's refusal is a status, too");
    const admitted = await live.chat({ labels: { team: "blue" } });
    assert.deepEqual([admitted.status, policyOf(admitted)], [200, "doorman"]);
    assert.equal((await live.fakes.w1.state()).started, 1);
  });
}

test("a job that is refused while it waits fails with the policy's code in its stream", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(`function schedule_job(job, pools, workers)
    if job.labels.patience and job.wait_ms >= 50 then return reject("lost_patience", 503) end
    if job.labels.patience then return wait("a moment", 50) end
    return workers.idle().first()
  end`);
  const jobId = await live.submit({ labels: { patience: "none" } });
  const list = await allEvents(await live.queen.stream("GET", `/v1/jobs/${jobId}/stream`));
  const [error] = dataOf(list, "error");
  assert.match(JSON.stringify(error), /lost_patience/);
  assert.match(list.at(-1).data, /^\[ERROR\]/);
  assert.equal(await live.status(jobId), "failed");
});

test("should_retry decides whether another worker may try", async (t) => {
  for (const [answer, status] of [["return true", 200], ["return 20", 200], ["return false", 502]]) {
    const live = await liveWorld(t, { bad: { knobs: { status: 500, times: 1 } }, good: {} });
    await live.deploy(`function should_retry(job, attempt, error) ${answer} end
    function schedule_job(job, pools, workers)
      local able = workers.with_model(job.model_ref).eligible(job)
      return able.filter(function(w) return w.id == "bad" end).first() or able.first()
    end`);
    const { status: got, body } = await live.chat();
    assert.equal(got, status, `${answer}: ${JSON.stringify(body)}`);
    assert.equal((await live.fakes.bad.state()).faulted, 1);
  }
});

test("should_retry is told which attempt failed and why", async (t) => {
  const failing = { knobs: { status: 500 } };
  const live = await liveWorld(t, { w1: failing, w2: failing });
  await live.deploy(`function should_retry(job, attempt, error)
    emit_metric("attempt_" .. error.code, attempt)
    return false
  end
  function schedule_job(job, pools, workers)
    return workers.with_model(job.model_ref).eligible(job).first()
  end`);
  assert.equal((await live.chat()).status, 502);
  const { body } = await live.queen.get("/metrics");
  assert.match(body, /^rbee_policy_value\{policy="mine",name="attempt_worker_error"\} 1$/m);
});

test("on_outcome hears how jobs ended, and what it tells appears in the metrics", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(`local tokens = 0
  function on_outcome(job, outcome)
    tokens = tokens + (outcome.tokens_out or 0)
    emit_metric("tokens_so_far", tokens)
    emit_metric(outcome.worker_id == "w1" and "by_w1" or "by_others", 1)
  end${placing}`);
  for (const max_tokens of [3, 4]) assert.equal((await live.chat({ max_tokens })).status, 200);
  await until("it has heard of both", async () =>
    (await live.queen.get("/metrics")).body.includes('rbee_policy_value{policy="mine",name="tokens_so_far"} 7'));
  assert.match((await live.queen.get("/metrics")).body, /name="by_w1"\} 1/);
});

test("a hook that fails lets jobs in, and they are placed", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(`function should_admit(job) if job.labels.evil then error("no") end return true end${placing}`);
  assert.equal((await live.chat({ labels: { evil: "yes" } })).status, 200);
  assert.match((await live.queen.get("/metrics")).body, /rbee_policy_fallbacks_total\{policy="mine",reason="error"\} 1/);
});

// --- Failing -----------------------------------------------------------------------------

test("after three hangs the policy rests, jobs go on at once, and later it is asked again", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(`function schedule_job(job, pools, workers)
    if job.labels.evil then while true do end end
    return workers.idle().first()
  end`);
  assert.equal(policyOf(await live.chat()), "mine");
  // A machine that is too busy gives the host no time: such a hang is not counted.
  await until("the breaker opens", async () => {
    assert.equal((await live.chat({ labels: { evil: "yes" } })).status, 200);
    return /state="breaker"\} 1/.test((await live.queen.get("/metrics")).body);
  });
  const kills = await live.queen.metric("rbee_policy_host_kills_total");
  for (let i = 0; i < 5; i++) {
    const { status } = await live.chat({ labels: { evil: "yes" } });
    assert.equal(status, 200);
  }
  assert.equal(await live.queen.metric("rbee_policy_host_kills_total"), kills, "nobody was asked");
  const { body } = await live.get("decisions?limit=1");
  assert.deepEqual([body.decisions[0].reason, body.decisions[0].asked_policy], ["breaker", "mine"]);
  assert.match((await live.queen.get("/metrics")).body, /rbee_policy_fallbacks_total\{policy="mine",reason="timeout"\} 3/);
  await until("the policy decides again", async () => {
    const { status } = await live.chat();
    assert.equal(status, 200);
    const newest = (await live.get("decisions?limit=1")).body.decisions[0];
    return newest.policy === "mine";
  }, 30000);
  assert.match((await live.queen.get("/metrics")).body, /rbee_policy_state\{policy="mine",state="ok"\} 1/);
});

test("a policy whose hosts die is the one that is blamed", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(placing);
  await until("the breaker opens", async () => {
    killChildren(live.queen.pid);
    return /state="breaker"\} 1/.test((await live.queen.get("/metrics")).body);
  });
  const page = (await live.queen.get("/metrics")).body;
  assert.match(page, /rbee_policy_state\{policy="mine",state="breaker"\} 1/);
  assert.match(page, /rbee_policy_strikes\{policy="mine"\} [1-9]/);
  const { body } = await live.queen.post("/v1/jobs", { operation: "status" });
  const [{ result: { queen } }] = dataOf(await allEvents(await live.queen.stream("GET", body.sse_url)), "end");
  assert.deepEqual([queen.policy, queen.policy_state, queen.scheduler], ["mine", "breaker", "platform"]);

  assert.match(page, /rbee_policy_host_kills_total\{reason="crash"\} [1-9]/);
  assert.equal((await live.chat()).status, 200);
  const { message } = (await live.get("decisions?limit=1")).body.decisions[0];
  assert.match(message, /^mine\.lua: rests for 5 s after \d failures?; the last one: .* signal 9 \(KILL\)$/);
  assert.ok(live.queen.log().some(({ msg, error }) => /lost its process/.test(msg) && / signal 9 \(KILL\)$/.test(error)));
});

// It takes a few milliseconds for each, so that the others gather and travel together.
const slow = `function schedule_job(job, pools, workers)
  local n = 0
  for i = 1, 300000 do n = n + i % 7 end
  return workers.with_model(job.model_ref).idle().least_loaded()
end`;

test("of jobs that are asked about together each sees where the others went", async (t) => {
  const workers = Object.fromEntries([...Array(8).keys()].map((i) => [`w${i}`, { slots: 1, knobs: { ttft_ms: 2000 } }]));
  const live = await liveWorld(t, workers);
  await live.deploy(slow);
  const chats = await Promise.all(Object.keys(workers).map(() => live.chat()));
  assert.deepEqual(chats.map(policyOf), chats.map(() => "mine"), "nobody was sent where no slot is free");
  const { decisions } = (await live.get("decisions?limit=100")).body;
  assert.deepEqual(decisions.filter((one) => one.outcome === "fallback"), []);
  assert.equal(new Set(chats.map(workerOf)).size, chats.length);
});

test("a decision among several is the same again, and its context is that of its turn", async (t) => {
  const live = await liveWorld(t, { w1: {}, w2: {}, w3: {} });
  await live.deploy(slow);
  await Promise.all([...Array(20)].map(() => live.chat()));
  const { decisions } = (await live.get("decisions?limit=100")).body;
  const ids = decisions.map((one) => one.id);
  const { body } = await live.post("replay", { from: Math.min(...ids), to: Math.max(...ids), policy: "mine" });
  assert.deepEqual(body, { replayed: ids.length, unavailable: 0, same: ids.length, differences: [] });
});

test("a job that is cancelled while its question stands in line makes way for the next", async (t) => {
  const live = await liveWorld(t, { w1: { slots: 1, knobs: hang } });
  await live.deploy(placing);
  const jobs = [];
  for (let i = 0; i < 5; i++) jobs.push(await live.submit());
  await until("the first runs", async () => (await live.status(jobs[0])) !== "queued");

  const connection = await RawConnection.open(live.queen.url);
  connection.send(jobs.slice(0, 3).map((id) => `DELETE /v1/jobs/${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(""));
  await until("all are cancelled", () => connection.text().split('"status":"cancelled"').length === 4);
  await until("the next one runs", async () => (await live.status(jobs[3])) !== "queued");
  assert.equal(await live.status(jobs[4]), "queued");
  for (const id of jobs.slice(3).reverse()) await live.queen.delete(`/v1/jobs/${id}`);
});
