// Workers that the queen has started and stopped: by real hives, for jobs that need them.
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./lib/daemon.js";
import { calls, messages } from "./lib/live.js";
import { admin } from "./lib/policy.js";
import { isAlive } from "./lib/proc.js";
import { allEvents, dataOf, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { modelsFolder, startHive, startQueen, tinyModel } from "./lib/world.js";

const chat = (queen, model = tinyModel) => queen.post("/v1/chat/completions", { model, messages, max_tokens: 4, temperature: 0 });

// A hive whose folder has the tiny model under each of these names.
async function hiveWith(t, models, { queenOptions = {}, hiveOptions = {} } = {}) {
  const folder = temporaryFolder(t);
  for (const model of models) {
    mkdirSync(path.join(folder, model));
    cpSync(path.join(modelsFolder, tinyModel, `${tinyModel}.gguf`), path.join(folder, model, `${model}.gguf`));
  }
  const queen = await startQueen(t, queenOptions);
  const hive = await startHive(t, queen, { "hive-id": "h1", "models-dir": folder, ...hiveOptions });
  await until("the hive is ready and lists its models", async () => {
    const { status, body } = await queen.post("/v1/jobs", { operation: "hive_get", hive_id: "h1" });
    const list = status === 200 ? await allEvents(await queen.stream("GET", body.sse_url)) : [];
    const text = JSON.stringify(list);
    return text.includes("ready") && models.every((model) => text.includes(model));
  });
  return { queen, hive, ...admin(queen), ...calls(queen) };
}

// A worker program that is a shell script.
function workerProgram(t, text) {
  const file = path.join(temporaryFolder(t), "worker");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const workersOf = async (hive) => (await hive.get("/v1/workers")).body.workers;
const readyOf = async (queen, model) => (await queen.get(`/v1/models/${model}`)).body.workers_ready;

test("a request for a model without a worker has one started, and is answered", async (t) => {
  const { queen, hive } = await hiveWith(t, [tinyModel]);
  assert.deepEqual(await workersOf(hive), []);
  const answer = await chat(queen);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const [worker] = await workersOf(hive);
  assert.equal(answer.headers.get("x-rbee-worker"), worker.worker_id);
  assert.equal(await queen.metric("rbee_worker_starts_total"), 1);
  assert.equal((await chat(queen)).headers.get("x-rbee-worker"), worker.worker_id, "the next one finds it there");
});

test("a crowd of requests for it has one worker started, and all are answered", async (t) => {
  const { queen, hive } = await hiveWith(t, [tinyModel]);
  const answers = await Promise.all(Array.from({ length: 6 }, () => chat(queen)));
  assert.deepEqual(answers.map((one) => one.status), [200, 200, 200, 200, 200, 200], JSON.stringify(answers[0].body));
  assert.equal((await workersOf(hive)).length, 1);
});

test("a native job waits for its model in the queue, and streams once it is there", async (t) => {
  const { queen, submit } = await hiveWith(t, [tinyModel]);
  const jobId = await submit({ model: tinyModel, max_tokens: 4 });
  const list = await allEvents(await queen.stream("GET", `/v1/jobs/${jobId}/stream`));
  assert.equal(dataOf(list)[0].type, "queued");
  assert.equal(dataOf(list, "started").length, 1);
  assert.ok(textOf(list).length > 0);
  assert.equal(list.at(-1).data, "[DONE]");
});

test("a start that fails is told to those who wait, and is not tried for ever", async (t) => {
  const { queen, hive, get, submit } = await hiveWith(t, [tinyModel], {
    queenOptions: { set: "start_again_ms=0" },
    hiveOptions: { "worker-program": workerProgram(t, "echo 'no such device: cuda:7' >&2; exit 3") },
  });
  const jobId = await submit({ model: tinyModel });
  await until("explain names the setback", async () => {
    const { summary } = (await get(`explain?job_id=${jobId}`)).body;
    return /starting one on hive 'h1' has failed 1 times: worker 'h1-.*cuda:7/.test(summary);
  });
  const answer = await chat(queen);
  assert.equal(answer.status, 503, JSON.stringify(answer.body));
  assert.equal(answer.body.error.code, "no_workers_available");
  assert.match(answer.body.error.message, /Starting one on hive 'h1' failed: worker 'h1-.*cuda:7/);
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.equal(await queen.metric("rbee_worker_starts_total"), 3);
  assert.equal(await queen.metric("rbee_workers_starting"), 0);
  assert.equal((await chat(queen)).body.error.code, "no_workers_available", "and at once, for a while");
  assert.deepEqual((await workersOf(hive)).filter((one) => one.state === "ready"), []);
});

test("a worker that was started by hand and died is named to those who waited for it", async (t) => {
  const { queen, hive } = await hiveWith(t, [tinyModel], {
    queenOptions: { scheduler: "simple" }, // starts none itself
    hiveOptions: { "worker-program": workerProgram(t, "exec sleep 600") },
  });
  await queen.post("/v1/jobs", { operation: "worker_spawn", hive_id: "h1", model: tinyModel, threads: 1 });
  const infer = { operation: "infer", model: tinyModel, prompt: "hi", max_tokens: 1 };
  const { body } = await until("the queen knows that it starts", async () => {
    const answer = await queen.post("/v1/jobs", infer);
    return answer.status === 200 && answer;
  });
  const [{ pid, worker_id: id }] = await workersOf(hive);
  process.kill(pid, "SIGKILL");
  const list = await allEvents(await queen.stream("GET", body.sse_url));
  assert.match(dataOf(list, "error")[0].message, new RegExp(`Worker '${id}' failed: killed by signal 9`));
});

test("a policy has workers started and evicted", async (t) => {
  const { queen, hive, deploy } = await hiveWith(t, ["one", "two"], { queenOptions: { set: ["min_residency_ms=0", "start=false"] } });
  await deploy(`function schedule_job(job, pools, workers)
    local here = workers.with_model(job.model_ref)
    if not here.is_empty() then return here.idle().first() end
    local other = workers.filter(function(w) return w.model_ref ~= job.model_ref end).idle().first()
    if other then return { action = "evict", worker_id = other.id, reason = "one model at a time" } end
    if not workers.is_empty() then return wait("it goes", 100) end
    return { action = "start_worker", start_worker = { model_ref = job.model_ref, pool_id = pools.first().id } }
  end`);
  const pids = [];
  for (const model of ["one", "two", "one"]) {
    const answer = await chat(queen, model);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const workers = await workersOf(hive);
    assert.deepEqual(workers.filter((one) => one.state !== "stopped").map((one) => one.model), [model]);
    pids.push(workers[0].pid);
  }
  assert.equal(new Set(pids).size, 3);
  await until("those that were evicted have ended", () => !isAlive(pids[0]) && !isAlive(pids[1]));
  assert.equal(await queen.metric("rbee_worker_starts_total"), 3);
  assert.equal(await queen.metric("rbee_worker_evictions_total"), 2);
});

test("a worker that is busy is not evicted: its job goes on, the decision is invalid", async (t) => {
  const { queen, get, deploy } = await hiveWith(t, [tinyModel], { queenOptions: { set: "min_residency_ms=0" } });
  assert.equal((await chat(queen)).status, 200);
  await deploy(`function schedule_job(job, pools, workers)
    local busy = workers.filter(function(w) return w.in_flight_tokens > 0 end).first()
    if busy and job.labels.evil then return { action = "evict", worker_id = busy.id } end
    return workers.idle().first() or workers.first()
  end`);
  const story = { operation: "infer", model: tinyModel, prompt: "Tell me a story.", max_tokens: 400, temperature: 1.5, seed: 1 };
  const first = queen.post("/v1/jobs", story);
  const evil = await queen.post("/v1/jobs", { ...story, max_tokens: 4, labels: { evil: "yes" } });
  for (const { body } of [await first, evil]) {
    await until("it is done", async () => (await queen.get(`/v1/jobs/${body.job_id}`)).body.status === "done");
  }
  assert.equal(await queen.metric("rbee_worker_evictions_total"), 0);
  for (const one of (await get("decisions?limit=50")).body.decisions) {
    if (one.outcome === "fallback" && one.reason !== "starved") assert.equal(one.reason, "invalid", one.message);
  }
});

test("while a worker loads, its start is seen and its memory is reserved", async (t) => {
  // Never ready: it only lives.
  const { queen, get, submit } = await hiveWith(t, [tinyModel], {
    hiveOptions: { "worker-program": workerProgram(t, "exec sleep 600") },
    queenOptions: { "drain-timeout": "1ms" },
  });
  const jobId = await submit({ model: tinyModel });
  await until("the start is seen", async () => (await queen.metric("rbee_workers_starting")) === 1);
  const { body } = await get(`explain?job_id=${jobId}`);
  assert.equal(body.state, "queued");
  assert.equal(body.starting, 1);
  assert.match(body.summary, /no worker serves it; 1 is being started$/);
  const started = (await get(`decisions?job_id=${jobId}`)).body.decisions.find((one) => JSON.stringify(one.decision).includes("start_worker"));
  assert.ok(started, "the decision is on record");
  const reserved = await until("the next decision sees it", async () => {
    await submit({ model: tinyModel });
    const [newest] = (await get("decisions?limit=1")).body.decisions;
    const { context } = (await get(`decisions/${newest.id}`)).body;
    return context?.pools[0].reserved_mb;
  });
  assert.ok(reserved > 0);
});

test("a queen that stops lets nobody wait for a worker that only loads", async (t) => {
  const { queen, submit } = await hiveWith(t, [tinyModel], {
    hiveOptions: { "worker-program": workerProgram(t, "exec sleep 600") },
    queenOptions: { "drain-timeout": "600s" },
  });
  const jobId = await submit({ model: tinyModel });
  const stream = await queen.stream("GET", `/v1/jobs/${jobId}/stream`);
  const waiting = chat(queen);
  await until("both wait", async () => (await queen.metric("rbee_queue_depth")) === 2);
  queen.signal("SIGTERM");
  const answer = await waiting;
  assert.equal(answer.status, 503, JSON.stringify(answer.body));
  assert.equal(answer.body.error.code, "unavailable");
  assert.match(answer.body.error.message, /The queen is stopping/);
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.equal(dataOf(await allEvents(stream), "error")[0].retriable, true);
  await until("the queen has ended", () => queen.exit);
  assert.deepEqual(queen.exit, { code: 0, signal: null });
});

test("a worker that was idle for long enough is stopped", async (t) => {
  const { queen, hive } = await hiveWith(t, [tinyModel], { queenOptions: { set: ["idle_ttl_ms=500", "min_residency_ms=0"] } });
  assert.equal((await chat(queen)).status, 200);
  const [{ pid }] = await workersOf(hive);
  await until("it is stopped", () => !isAlive(pid), 30000);
  assert.equal(await queen.metric("rbee_worker_evictions_total"), 1);
  await until("the queen knows", async () => (await readyOf(queen, tinyModel)) === 0);
  assert.equal((await chat(queen)).status, 200, "and is started again when it is needed");
});
