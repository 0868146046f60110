// The queen by herself and with one well-behaved worker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "./lib/daemon.js";
import { RawConnection } from "./lib/raw.js";
import { allEvents, dataOf, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const messages = [{ role: "user", content: "hi" }];

test("a queen without workers is alive, ready, and says that nothing is there", async (t) => {
  const queen = await startQueen(t);
  for (const path of ["/health", "/ready"]) assert.equal((await queen.get(path)).status, 200);
  assert.deepEqual((await queen.get("/v1/models")).body, { object: "list", data: [] });
  const answer = await queen.post("/v1/chat/completions", { model: "nobody", messages });
  assert.equal(answer.status, 404);
  assert.equal(answer.body.error.code, "model_not_found");
});

test("a static worker appears among the models and answers, whole and streamed", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");

  const whole = await queen.post("/v1/chat/completions", { model: "fake-7b", messages, max_tokens: 3 });
  assert.equal(whole.status, 200);
  assert.equal(whole.body.choices[0].message.content, "w0 w1 w2");
  assert.equal(whole.body.usage.completion_tokens, 3);

  const stream = await queen.stream("POST", "/v1/chat/completions", { model: "fake-7b", messages, max_tokens: 3, stream: true });
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  assert.equal(stream.headers.get("x-accel-buffering"), "no");
  const list = await allEvents(stream);
  assert.equal(textOf(list), "w0 w1 w2");
  assert.equal(list.at(-1).data, "[DONE]");
});

test("both prefixes and all three kinds of request reach the worker", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  for (const prefix of ["/v1", "/openai/v1"]) {
    const chat = await queen.post(`${prefix}/chat/completions`, { model: "fake-7b", messages, max_tokens: 2 });
    assert.equal(chat.body.choices[0].message.content, "w0 w1");
    const text = await queen.post(`${prefix}/completions`, { model: "fake-7b", prompt: "hi", max_tokens: 2 });
    assert.equal(text.body.choices[0].text, "w0 w1");
    const embeddings = await queen.post(`${prefix}/embeddings`, { model: "fake-7b", input: ["a", "b"] });
    assert.equal(embeddings.body.data.length, 2);
    assert.equal((await queen.get(`${prefix}/models/fake-7b`)).body.workers_ready, 1);
  }
});

test("a model's name may hold slashes, escaped or not", async (t) => {
  const queen = await startQueen(t, { worker: "http://127.0.0.1:9,model=meta-llama/Llama-3-8b" });
  for (const name of ["meta-llama/Llama-3-8b", "meta-llama%2FLlama-3-8b"]) {
    assert.equal((await queen.get(`/v1/models/${name}`)).body.id, "meta-llama/Llama-3-8b");
  }
  assert.equal((await queen.get("/v1/models/meta-llama/else")).status, 404);
});

test("every answer carries its request id, given or made", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  const body = { model: "fake-7b", messages, max_tokens: 1 };
  const given = await queen.post("/v1/chat/completions", body, { "x-request-id": "my-id-1" });
  assert.equal(given.headers.get("x-request-id"), "my-id-1");
  assert.equal((await fake.state()).last.headers["x-request-id"], "my-id-1");
  const bad = await queen.post("/v1/chat/completions", body, { "x-request-id": "not an id!" });
  assert.match(bad.headers.get("x-request-id"), /^[A-Za-z0-9-]{1,64}$/);
  for (const name of ["x-rbee-overhead-ms", "x-rbee-queue-ms", "x-rbee-worker", "x-rbee-policy"]) {
    assert.ok(given.headers.get(name), name);
  }
});

test("a native job is streamed late, twice, and from where it was cut off", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  const { body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 3 });
  assert.match(body.job_id, /^job-[0-9a-f-]{36}$/);
  assert.equal(body.sse_url, `/v1/jobs/${body.job_id}/stream`);
  await until("the worker is done", async () => (await fake.state()).completed === 1);

  const first = await allEvents(await queen.stream("GET", body.sse_url));
  const second = await allEvents(await queen.stream("GET", body.sse_url));
  assert.deepEqual(second, first);
  assert.equal(textOf(first), "w0 w1 w2");
  assert.deepEqual(dataOf(first, "started").map((data) => data.job_id), [body.job_id]);
  assert.equal(dataOf(first, "end").length, 1);
  assert.equal(first.at(-1).data, "[DONE]");
  assert.deepEqual(first.slice(0, -1).map((event) => Number(event.id)), first.slice(0, -1).map((_, i) => i + 1));

  const resumed = await allEvents(await queen.stream("GET", body.sse_url, undefined, { headers: { "last-event-id": first[1].id } }));
  assert.deepEqual(resumed, first.slice(2));
});

test("a job is cancelled once, and again without complaint; an unknown one is not there", async (t) => {
  const fake = await startFake(t, { knobs: { hang: "mid" } });
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  const { body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi" });
  const events = queen.stream("GET", body.sse_url).then(allEvents);
  await until("a token", async () => (await fake.state()).tokens === 1);
  for (let i = 0; i < 2; i++) {
    const cancelled = await queen.delete(`/v1/jobs/${body.job_id}`);
    assert.equal(cancelled.status, 200);
    assert.equal(cancelled.body.job_id, body.job_id);
    assert.equal(cancelled.body.status, "cancelled");
  }
  await until("the slot is free", async () => (await fake.state()).active === 0);
  const list = await events;
  assert.equal(dataOf(list, "error")[0].code, "CANCELLED");
  assert.equal(list.at(-1).data, "[CANCELLED]");
  assert.equal((await queen.delete("/v1/jobs/job-00000000-0000-4000-8000-000000000000")).status, 404);
});

test("a burst inside one heartbeat spreads over the free slots", async (t) => {
  const fakes = await Promise.all([1, 2, 3, 4].map((n) => startFake(t, { id: `fake-${n}`, knobs: { ttft_ms: 100, slots: 5 } })));
  const queen = await startQueen(t, { worker: fakes.map((fake) => asStatic(fake, { slots: 5 })) });
  await queen.untilReadyFor("fake-7b", 4);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => queen.post("/v1/chat/completions", { model: "fake-7b", messages, max_tokens: 1 })),
  );
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  for (const fake of fakes) {
    const state = await fake.state();
    assert.equal(state.peak, 5);
    assert.equal(state.refused, 0);
  }
});

test("what the queue cannot hold is refused at once, and says when to come back", async (t) => {
  const fake = await startFake(t, { knobs: { hang: "head" } });
  const queen = await startQueen(t, { worker: asStatic(fake, { slots: 1 }), "queue-max": 1 });
  await queen.untilReadyFor("fake-7b");
  const body = { model: "fake-7b", messages };
  const stop = new AbortController();
  const waiting = [1, 2].map(() => queen.stream("POST", "/v1/chat/completions", body, { signal: stop.signal }).catch(() => {}));
  await until("one runs and one waits", async () => (await queen.metric("rbee_running")) === 1 && (await queen.metric("rbee_queue_depth")) === 1);
  const refused = await queen.post("/v1/chat/completions", body);
  assert.equal(refused.status, 429);
  assert.equal(refused.body.error.code, "queue_full");
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  stop.abort();
  await Promise.all(waiting);
});

test("a web page cannot drive the queen", async (t) => {
  const queen = await startQueen(t);
  const host = new URL(queen.url).host;
  const cases = [
    [`GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n`, 421],
    [`GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://evil.example\r\n\r\n`, 403],
    [`POST /v1/jobs HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`, 415],
  ];
  for (const [request, status] of cases) {
    const connection = await RawConnection.open(queen.url);
    assert.equal((await connection.send(request).head()).status, status, request);
    connection.close();
  }
});

test("a second queen on the same state directory, or on the same port, says so and ends", async (t) => {
  const queen = await startQueen(t);
  const sameFolder = await run("queen-rbee", ["--listen", "127.0.0.1:0", "--state-dir", queen.stateDir]);
  assert.notEqual(sameFolder.code, 0);
  assert.match(sameFolder.stderr, new RegExp(`${queen.pid}`));
  const samePort = await run("queen-rbee", ["--listen", queen.listen, "--state-dir", `${queen.stateDir}/other`]);
  assert.notEqual(samePort.code, 0);
  assert.ok(samePort.stderr.includes(queen.listen), samePort.stderr);
});

test("SIGTERM lets a running stream end, and then the queen ends", async (t) => {
  const fake = await startFake(t, { knobs: { gap_ms: 50 } });
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  const stream = await queen.stream("POST", "/v1/chat/completions", { model: "fake-7b", messages, max_tokens: 10, stream: true });
  queen.signal("SIGTERM");
  const list = await allEvents(stream);
  assert.equal(list.at(-1).data, "[DONE]");
  await until("the queen has ended", () => queen.exit);
  assert.equal(queen.exit.code, 0);
});
