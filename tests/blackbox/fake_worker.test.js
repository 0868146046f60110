// The fake worker itself: other tests trust it to fail in just the way they asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawConnection } from "./lib/raw.js";
import { allEvents, dataOf, events, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { startFake } from "./lib/world.js";

const chat = { model: "fake-7b", stream: true, max_tokens: 3, messages: [{ role: "user", content: "hi" }] };

test("a chat stream has its tokens in order, usage when asked for, and its marker", async (t) => {
  const fake = await startFake(t);
  const list = await allEvents(await fake.stream("POST", "/v1/chat/completions", { ...chat, stream_options: { include_usage: true } }));
  assert.equal(textOf(list), "w0 w1 w2");
  assert.equal(dataOf(list).at(-1).usage.completion_tokens, 3);
  assert.equal(list.at(-1).data, "[DONE]");
});

test("the dual call streams numbered events and can be cancelled", async (t) => {
  const fake = await startFake(t, { knobs: { hang: "mid", hang_after: 2 } });
  const { body } = await fake.post("/v1/inference", { prompt: "hi", max_tokens: 5 });
  const seen = [];
  for await (const event of events(await fake.stream("GET", body.sse_url))) {
    seen.push(event);
    if (event.event === "token" && seen.length === 3) await fake.delete(`/v1/inference/${body.job_id}`);
  }
  assert.deepEqual(seen.map((event) => event.event), ["started", "token", "token", "error", undefined]);
  assert.equal(seen.at(-1).data, "[CANCELLED]");
  const state = await fake.state();
  assert.equal(state.cancelled, 1);
  assert.equal(state.active, 0);
});

test("a client that leaves is counted and frees the slot", async (t) => {
  const fake = await startFake(t, { knobs: { hang: "first_token" } });
  const connection = await RawConnection.open(fake.url);
  connection.post("/v1/chat/completions", chat);
  await connection.head();
  assert.equal((await fake.state()).active, 1);
  connection.close();
  await until("the slot is free", async () => (await fake.state()).active === 0);
  assert.equal((await fake.state()).aborted, 1);
});

test("full slots are refused with 503 and Retry-After", async (t) => {
  const fake = await startFake(t, { knobs: { slots: 0 } });
  const answer = await fake.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "1");
});

for (const [knob, end] of [["reset_after", "reset"], ["close_after", "fin"]]) {
  for (const tokens of [0, 2]) {
    test(`${knob} ${tokens} ends the connection by ${end}, without the closing chunk`, async (t) => {
      const fake = await startFake(t, { knobs: { [knob]: tokens } });
      const connection = await RawConnection.open(fake.url);
      connection.post("/v1/chat/completions", chat);
      const seen = await connection.untilEnd();
      // libuv reads data and a reset that arrive together as data and a plain end.
      if (tokens === 0 || end === "fin") assert.equal(seen, end);
      assert.equal(connection.text().split('"content":"').length - 1 - (tokens > 0), tokens);
      assert.ok(!connection.text().includes("\r\n0\r\n"));
    });
  }
}

test("a fault with `times` hits only so many requests", async (t) => {
  const fake = await startFake(t, { knobs: { status: 500, times: 2 } });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await fake.post("/v1/completions", { prompt: "x" })).status);
  assert.deepEqual(statuses, [500, 500, 200]);
});

test("garbage goes out as it stands", async (t) => {
  const fake = await startFake(t, { knobs: { garbage: "not_http" } });
  const connection = await RawConnection.open(fake.url);
  connection.post("/v1/chat/completions", chat);
  await connection.untilEnd();
  assert.ok(connection.text().startsWith("SSH-2.0"));
});

test("a knob that does not exist is refused", async (t) => {
  const fake = await startFake(t);
  await assert.rejects(fake.set({ no_such_knob: 1 }), /no_such_knob/);
});
