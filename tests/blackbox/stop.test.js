// How a queen stops: what runs is finished, with a deadline; who still waits is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allEvents, dataOf, events } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startHive, startQueen, tinyModel } from "./lib/world.js";

const messages = [{ role: "user", content: "hi" }];
const infer = { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 10 };

async function queenWithFake(t, knobs, options = {}) {
  const fake = await startFake(t, { knobs });
  const queen = await startQueen(t, { worker: asStatic(fake), ...options });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen };
}

// The events that come before the connection is cut, and whether it was.
async function eventsUntilCut(response) {
  const list = [];
  try {
    for await (const event of events(response)) list.push(event);
  } catch {
    return { list, isCut: true };
  }
  return { list, isCut: false };
}

const ended = async (queen) => {
  await until("the queen has ended", () => queen.exit, 20000);
  assert.deepEqual(queen.exit, { code: 0, signal: null });
};

test("a job that nobody reads is finished before the queen stops", async (t) => {
  const { fake, queen } = await queenWithFake(t, { gap_ms: 30 });
  assert.equal((await queen.post("/v1/jobs", infer)).status, 200);
  await until("the worker is at it", async () => (await fake.state()).started === 1);
  queen.signal("SIGTERM");
  await ended(queen);
  assert.equal((await fake.state()).completed, 1);
});

test("past the deadline a job's reader gets an error and the marker", async (t) => {
  const { fake, queen } = await queenWithFake(t, { gap_ms: 20, tokens: 5000 }, { "drain-timeout": "300ms" });
  const { body } = await queen.post("/v1/jobs", infer);
  const stream = await queen.stream("GET", body.sse_url);
  await until("the worker is at it", async () => (await fake.state()).started === 1);
  queen.signal("SIGTERM");
  const list = await allEvents(stream);
  assert.equal(dataOf(list, "error")[0].code, "UNAVAILABLE");
  assert.match(list.at(-1).data, /^\[ERROR\] the queen is stopping/);
  await ended(queen);
});

test("past the deadline a chat stream gets its error in band, and a plain request a 503", async (t) => {
  const { fake, queen } = await queenWithFake(t, { gap_ms: 20, tokens: 5000 }, { "drain-timeout": "300ms" });
  const chat = { model: "fake-7b", messages };
  const stream = await queen.stream("POST", "/v1/chat/completions", { ...chat, stream: true });
  const plain = queen.post("/v1/chat/completions", chat);
  await until("the worker is at both", async () => (await fake.state()).started === 2);
  queen.signal("SIGTERM");
  const { list } = await eventsUntilCut(stream);
  assert.equal(JSON.parse(list.at(-1).data).error.code, "unavailable");
  assert.equal((await plain).status, 503);
  await ended(queen);
});

test("an operation at a hive does not keep a queen from stopping cleanly, and bears one id", async (t) => {
  const queen = await startQueen(t, { "drain-timeout": "200ms" });
  await startHive(t, queen);
  await until("the hive is known", async () => (await queen.metric("rbee_hives")) === 1);
  const listing = (await queen.post("/v1/jobs", { operation: "worker_process_list" })).body;
  const list = await allEvents(await queen.stream("GET", listing.sse_url));
  assert.equal(dataOf(list, "end")[0].job_id, listing.job_id);
  assert.equal((await queen.post("/v1/jobs", { operation: "worker_spawn", model: tinyModel, threads: 1 })).status, 200);
  queen.signal("SIGTERM");
  await ended(queen);
});

test("a shutdown that is given something is refused, and changes nothing", async (t) => {
  const queen = await startQueen(t);
  const { status, body } = await queen.post("/v1/shutdown", { force: true });
  assert.equal(status, 400);
  assert.equal(body.error.details.param, "force");
  assert.equal((await queen.get("/ready")).status, 200);
});

test("a native request that no worker could answer gets no job id", async (t) => {
  const queen = await startQueen(t, { worker: "http://127.0.0.1:9,model=fake-7b" });
  const wrong = [
    { messages: [] },
    { messages: [5] },
    { messages: [{}] },
    { messages: [{ role: "bogus", content: "x" }] },
    { messages: [{ role: "user", content: 5 }] },
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
    { prompt: "" },
    { prompt: "x", stop: "" },
    { prompt: "x", stop: ["a", ""] },
    { prompt: "x", temperature: 2.5 },
    { prompt: "x", presence_penalty: -3 },
  ];
  for (const fields of wrong) {
    const { status, body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", ...fields });
    assert.equal(status, 400, JSON.stringify(fields));
    assert.ok(body.error.details.param, JSON.stringify(body));
  }
});
