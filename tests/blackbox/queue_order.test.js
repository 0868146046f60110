// Whose turn it is: bands, deadlines, arrival; and what those who wait are told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { liveWorld, messages, model, workerOf } from "./lib/live.js";
import { RawConnection } from "./lib/raw.js";
import { events } from "./lib/sse.js";
import { until } from "./lib/wait.js";

// One slot, which a first job holds until release().
async function oneSlot(t, options = {}) {
  const live = await liveWorld(t, { w1: { slots: 1 } }, options);
  const hold = async () => {
    await live.fakes.w1.set({ hang: "first_token" });
    const holder = await live.submit();
    await until("the slot is taken", async () => (await live.fakes.w1.state()).active === 1);
    await live.fakes.w1.set({ hang: "" });
    live.release = () => live.queen.delete(`/v1/jobs/${holder}`);
  };
  return { ...live, hold, release: () => live.release() };
}

// The jobs in the order in which they went to the worker.
async function orderOf(live, jobs) {
  for (const job of jobs) await live.untilDone(job);
  const { body } = await live.get("decisions?limit=1000");
  const went = body.decisions.filter((one) => one.decision.action === "dispatch").reverse();
  return went.map((one) => jobs.indexOf(one.decision.job_id)).filter((index) => index >= 0);
}

async function submitAll(live, changes) {
  const jobs = [];
  for (const change of changes) jobs.push(await live.submit(change));
  return jobs;
}

test("interactive jobs go before batch jobs that came earlier, but batch has its share", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const batch = Array.from({ length: 4 }, () => ({ priority: "batch" }));
  const interactive = Array.from({ length: 20 }, () => ({ priority: "interactive" }));
  const jobs = await submitAll(live, [...batch, ...interactive]);
  await live.release();
  const order = await orderOf(live, jobs);
  assert.equal(order.length, jobs.length);
  const isBatch = order.map((index) => index < batch.length);
  const before = isBatch.slice(0, interactive.length);
  assert.ok(before.filter(Boolean).length <= 3, `interactive first: ${order}`);
  assert.ok(before.some(Boolean), `while batch is not starved: ${order}`);
  for (const band of [order.filter((i) => i < batch.length), order.filter((i) => i >= batch.length)]) {
    assert.deepEqual(band, band.toSorted((a, b) => a - b), "by arrival within a band");
  }
});

test("the job with the earliest deadline goes first, those without one by arrival", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const jobs = await submitAll(live, [{}, { deadline_ms: 900000 }, {}, { deadline_ms: 300000 }, { deadline_ms: 600000 }]);
  await live.release();
  assert.deepEqual(await orderOf(live, jobs), [3, 4, 1, 0, 2]);
});

test("a job that is cancelled while it waits lets those behind it move up", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const jobs = await submitAll(live, [{}, {}, {}]);
  const positions = () => Promise.all(jobs.map(async (job) => (await live.queen.get(`/v1/jobs/${job}`)).body.position));
  assert.deepEqual(await positions(), [1, 2, 3]);
  await live.queen.delete(`/v1/jobs/${jobs[0]}`);
  assert.deepEqual(await positions(), [undefined, 1, 2]);
  await live.release();
  assert.deepEqual(await orderOf(live, jobs.slice(1)), [0, 1]);
});

test("jobs of two sessions keep the order of their arrival", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const jobs = await submitAll(live, ["a", "b", "a", "b", "a"].map((session_id) => ({ session_id })));
  await live.release();
  assert.deepEqual(await orderOf(live, jobs), [0, 1, 2, 3, 4]);
});

test("a session goes on where its conversation is cached", async (t) => {
  const live = await liveWorld(t, { w1: {}, w2: {} }, { set: "explore_pct=0" });
  const talk = (name) => [{ role: "user", content: `${name} `.repeat(4000) }];
  // Both begin at once, so each has a worker of its own.
  await Promise.all(Object.values(live.fakes).map((fake) => fake.set({ ttft_ms: 200 })));
  const ask = (name, more = []) => live.chat({ messages: [...talk(name), ...more], session_id: name });
  const [first, second] = await Promise.all([ask("anna"), ask("berta")]);
  assert.notEqual(workerOf(first), workerOf(second));
  await Promise.all(Object.values(live.fakes).map((fake) => fake.set({ ttft_ms: 0 })));
  const more = [{ role: "assistant", content: "w0" }, { role: "user", content: "go on" }];
  for (let i = 0; i < 3; i++) {
    assert.equal(workerOf(await ask("anna", more)), workerOf(first));
    assert.equal(workerOf(await ask("berta", more)), workerOf(second));
  }
});

// --- What is told to those who wait ----------------------------------------------------------

test("every job that waits knows its position and when it will probably start", async (t) => {
  const live = await oneSlot(t);
  for (let i = 0; i < 3; i++) assert.equal((await live.chat({ max_tokens: 4 })).status, 200);
  await live.hold();
  const jobs = await submitAll(live, [{}, {}, {}]);
  const told = [];
  for (const job of jobs) {
    const response = await live.queen.stream("GET", `/v1/jobs/${job}/stream`);
    for await (const event of events(response)) {
      told.push(JSON.parse(event.data));
      break;
    }
  }
  assert.deepEqual(told.map((one) => [one.type, one.position]), [["queued", 1], ["queued", 2], ["queued", 3]]);
  for (const one of told) assert.ok(Number.isInteger(one.predicted_start_ms), JSON.stringify(one));
  const starts = told.map((one) => one.predicted_start_ms);
  assert.deepEqual(starts, starts.toSorted((a, b) => a - b));

  const { body: page } = await live.queen.get("/v1/jobs");
  const listed = new Map(page.jobs.map((one) => [one.job_id, one]));
  assert.deepEqual(jobs.map((job) => listed.get(job).position), [1, 2, 3]);
  assert.deepEqual(jobs.map((job) => listed.get(job).status), ["queued", "queued", "queued"]);
  for (const job of jobs) assert.ok(Number.isInteger(listed.get(job).predicted_start_ms));
  await live.release();
  for (const job of jobs) await live.untilDone(job);
});

test("a client that asks for queue updates gets comments at once, then its answer", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const ahead = await live.submit();
  const stream = await live.queen.stream(
    "POST",
    "/v1/chat/completions",
    { model, messages, max_tokens: 2, stream: true },
    { headers: { "x-rbee-queue-updates": "1" } },
  );
  assert.equal(stream.status, 200);
  const list = [];
  for await (const event of events(stream)) {
    list.push(event);
    if (list.length === 1) {
      assert.match(event.comment, /^queued position=2/);
      await live.queen.delete(`/v1/jobs/${ahead}`);
    } else if (/^queued position=1/.test(event.comment)) {
      await live.release();
    }
  }
  assert.ok(list.some((event) => /^queued position=1/.test(event.comment)), "it is told again");
  assert.equal(list.at(-1).data, "[DONE]");
});

test("errors reach a client that asked for queue updates in its stream", async (t) => {
  const live = await oneSlot(t, { "queue-timeout": "300ms" });
  await live.hold();
  const connection = await RawConnection.open(live.queen.url);
  connection.post("/v1/chat/completions", { model, messages, stream: true }, { "X-Rbee-Queue-Updates": "1" });
  await connection.untilEnd();
  assert.match(connection.text(), /^HTTP\/1\.1 200 [^]*: queued position=1[^]*data: \{"error":\{[^]*"code":"queue_timeout"/);
  assert.ok(!connection.text().includes("[DONE]"));
  connection.close();
  await live.release();
});

// --- Who may not wait -------------------------------------------------------------------------

test("what the queue cannot hold is refused in full, by every route", async (t) => {
  const live = await oneSlot(t, { "queue-max": 2 });
  await live.hold();
  const jobs = await submitAll(live, [{}, {}]);
  const chat = await live.chat();
  const native = await live.queen.post("/v1/jobs", { operation: "infer", model, prompt: "hi" });
  for (const { status, headers, body } of [chat, native]) {
    assert.equal(status, 429, JSON.stringify(body));
    assert.equal(body.error.code, "queue_full");
    assert.equal(body.error.retriable, true);
    assert.equal(body.error.policy_label, "queue");
    assert.ok(Number(headers.get("retry-after")) >= 1);
    assert.ok(Number(headers.get("x-backoff-ms")) >= 1);
  }
  assert.equal(chat.body.error.type, "rate_limit_error");
  await live.release();
  for (const job of jobs) await live.untilDone(job);
});

test("a job that would start after its deadline is refused at once; one that can wait is let in", async (t) => {
  const live = await oneSlot(t);
  await live.fakes.w1.set({ ttft_ms: 400 });
  for (let i = 0; i < 3; i++) assert.equal((await live.chat({ max_tokens: 4 })).status, 200);
  await live.fakes.w1.set({ ttft_ms: 0 });
  await live.hold();
  const jobs = await submitAll(live, [{}, {}]);
  const late = { operation: "infer", model, prompt: "hi", max_tokens: 1, deadline_ms: 50 };
  const native = await live.queen.post("/v1/jobs", late);
  assert.equal(native.status, 504, JSON.stringify(native.body));
  assert.equal(native.body.error.code, "deadline_exceeded");
  assert.match(native.body.error.message, /^It would wait for about \d+ ms; its deadline is in \d+ ms\.$/);
  const chat = await live.chat({ deadline_ms: 50 });
  assert.deepEqual([chat.status, chat.body.error.type, chat.body.error.code], [504, "server_error", "deadline_exceeded"]);
  const patient = await live.submit({ deadline_ms: 600000 });
  await live.release();
  for (const job of [...jobs, patient]) await live.untilDone(job);
});

test("a job whose deadline passes while it waits ends with deadline_exceeded", async (t) => {
  const live = await oneSlot(t);
  await live.hold();
  const { status, body } = await live.chat({ deadline_ms: 300 });
  assert.deepEqual([status, body.error.code], [504, "deadline_exceeded"]);
  const past = await live.chat({}, { "x-deadline": "1000" });
  assert.deepEqual([past.status, past.body.error.code], [504, "deadline_exceeded"]);
  await live.release();
});
