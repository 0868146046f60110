// What passes through the queen: large, slow, many, and never mixed up.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { Daemon, build, isSanitised, temporaryFolder } from "./lib/daemon.js";
import { RawConnection } from "./lib/raw.js";
import { allEvents, dataOf, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const url = "/v1/chat/completions";
const chat = (change) => ({ model: "fake-7b", messages: [{ role: "user", content: "hi" }], ...change });
const tokens = (n) => Array.from({ length: n }, (_, i) => `w${i}`).join(" ");

async function queenWithFake(t, { knobs = {}, slots = 8, options = {} } = {}) {
  const fake = await startFake(t, { knobs: { slots, ...knobs } });
  const queen = await startQueen(t, { worker: asStatic(fake, { slots }), ...options });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen };
}

test("a flood of tokens arrives whole and in order", async (t) => {
  const { queen } = await queenWithFake(t);
  const streams = await Promise.all([1, 2, 3, 4].map(() => queen.stream("POST", url, chat({ stream: true, max_tokens: 5000 }))));
  for (const text of await Promise.all(streams.map(async (stream) => textOf(await allEvents(stream))))) {
    assert.equal(text, tokens(5000));
  }
});

test("a client that does not read holds up its own worker, costs a constant, and loses nothing", async (t) => {
  const total = 200000;
  const { fake, queen } = await queenWithFake(t, { options: { "token-timeout": "0" } });
  const before = queen.rssKb();
  const connection = await RawConnection.open(queen.url);
  connection.post(url, chat({ stream: true, max_tokens: total }));
  await connection.until('"w0"');
  connection.socket.pause();
  // The worker stands still once every buffer on the way is full.
  let last = -1;
  await until("the worker stands still", async () => {
    const seen = (await fake.state()).tokens;
    const stands = seen === last && seen < total;
    last = seen;
    return stands;
  });
  if (!isSanitised) assert.ok(queen.rssKb() - before < 8 * 1024, `${queen.rssKb() - before} KB more`);
  assert.equal((await queen.post(url, chat({ max_tokens: 1 }))).status, 200, "others are served meanwhile");

  // From here on only the tail is kept, or this test's own memory would be measured.
  let rest = connection.text();
  let next = 0;
  connection.socket.removeAllListeners("data");
  connection.socket.on("data", (piece) => {
    rest += piece.toString("latin1");
    for (const [, i] of rest.matchAll(/"content":" ?w(\d+)"/g)) assert.equal(Number(i), next++);
    rest = rest.slice(Math.max(rest.lastIndexOf('"content":"'), 0)).replace(/^"content":" ?w\d+"/, "");
  });
  connection.socket.resume();
  await until("the end of the answer", () => rest.includes("[DONE]"), 60000);
  assert.equal(next, total);
  connection.close();
});

test("a request of many megabytes reaches the worker as it was sent", async (t) => {
  const { fake, queen } = await queenWithFake(t);
  const content = "0123456789abcdef".repeat(1 << 20); // 16 MiB
  const answer = await queen.post(url, chat({ max_tokens: 1, messages: [{ role: "user", content }] }));
  assert.equal(answer.status, 200);
  const { last } = await fake.state();
  assert.equal(last.body.messages[0].content.length, content.length);
  assert.equal(last.body.messages[0].content, content);
});

test("a field that the queen does not know reaches the worker", async (t) => {
  const { fake, queen } = await queenWithFake(t);
  await queen.post(url, chat({ max_tokens: 1, my_field: { deep: [1, null, "x"] } }));
  assert.deepEqual((await fake.state()).last.body.my_field, { deep: [1, null, "x"] });
});

test("requests sent behind one another on one connection are answered in that order", async (t) => {
  const { queen } = await queenWithFake(t);
  const connection = await RawConnection.open(queen.url);
  for (const max_tokens of [3, 1, 2]) connection.post(url, chat({ stream: true, max_tokens }));
  connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await connection.untilEnd();
  const answers = connection.text().split("HTTP/1.1 200 OK").slice(1);
  assert.deepEqual(answers.map((answer) => answer.split('"content":"').length - 1).slice(0, 3), [4, 2, 3]);
  assert.equal(answers.length, 4);
});

test("a native job that fails before its first token starts again elsewhere, and says so", async (t) => {
  const fakes = [await startFake(t, { id: "a" }), await startFake(t, { id: "b" })];
  for (const fake of fakes) await fake.set({ status: 500, times: 1 });
  const queen = await startQueen(t, { worker: fakes.map((fake) => asStatic(fake)) });
  await queen.untilReadyFor("fake-7b", 2);
  await fakes[1].reset();
  const { body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 2 });
  const list = await allEvents(await queen.stream("GET", body.sse_url));
  assert.equal(textOf(list), "w0 w1");
  assert.equal(list.at(-1).data, "[DONE]");
  assert.ok(dataOf(list, "started").length <= 2);
});

test("a native job that fails after its first token ends in an error, never in [DONE]", async (t) => {
  for (const knobs of [{ reset_after: 2 }, { close_after: 2 }, { no_done: true }]) {
    const { queen } = await queenWithFake(t, { knobs });
    const { body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 4 });
    const list = await allEvents(await queen.stream("GET", body.sse_url));
    assert.equal(dataOf(list, "error").length, 1, JSON.stringify(knobs));
    assert.match(list.at(-1).data, /^\[ERROR\] ./);
    assert.equal((await queen.get(`/v1/jobs/${body.job_id}`)).body.status, "failed");
  }
});

test("a client that leaves a job's stream does not stop the job", async (t) => {
  const { queen } = await queenWithFake(t, { knobs: { gap_ms: 20 } });
  const { body } = await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 10 });
  const connection = await RawConnection.open(queen.url);
  connection.send(`GET ${body.sse_url} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await connection.until("event: token");
  connection.close();
  assert.equal(textOf(await allEvents(await queen.stream("GET", body.sse_url))), tokens(10));
});

test("more connections than descriptors are refused or wait, and afterwards all is as before", async (t) => {
  const fake = await startFake(t);
  const stateDir = temporaryFolder(t);
  const flags = ["--listen", "127.0.0.1:0", "--state-dir", stateDir, "--log-format", "json", "--worker", asStatic(fake)];
  const queen = await Daemon.start(t, "queen-rbee", "sh", ["-c", 'ulimit -n 64; exec "$0" "$@"', path.join(build, "queen-rbee"), ...flags]);
  await until("the worker is known", async () => (await queen.get("/v1/models/fake-7b")).status === 200);
  const many = await Promise.all(Array.from({ length: 120 }, () => RawConnection.open(queen.url)));
  await until("no descriptor is left, or she keeps some back", () => queen.fds() > 40);
  for (const connection of many) connection.close();
  await until("the descriptors are back", () => queen.fds() < 40);
  assert.equal((await queen.post(url, chat({ max_tokens: 1 }))).status, 200);
});
