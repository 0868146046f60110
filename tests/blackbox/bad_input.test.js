// Bad input of every kind gets a clear answer and leaves the queen running.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { run, temporaryFolder } from "./lib/daemon.js";
import { RawConnection } from "./lib/raw.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const messages = [{ role: "user", content: "hi" }];
const chat = (change) => ({ model: "fake-7b", messages, ...change });
const infer = (change) => ({ operation: "infer", model: "fake-7b", prompt: "hi", ...change });

// [what, body (text goes out as it stands), param that the error must name or null]
const badChats = [
  ["no JSON at all", "hello", null],
  ["an empty body", "", null],
  ["JSON cut short", '{"model": "fake-7b", "messages": [', null],
  ["two JSON values", '{"model":"fake-7b","messages":[]} {}', null],
  ["an array", "[]", null],
  ["a trailing comma", '{"model":"fake-7b","messages":[],}', null],
  ["a comment", '{"model":"fake-7b" /* x */}', null],
  ["NaN", '{"model":"fake-7b","messages":[{"role":"user","content":"x"}],"temperature":NaN}', null],
  ["nesting without end", `${"[".repeat(100000)}`, null],
  ["deep nesting inside messages", `{"model":"fake-7b","messages":${"[".repeat(5000)}${"]".repeat(5000)}}`, null],
  ["bad UTF-8", Buffer.from([...Buffer.from('{"model":"fake-7b","messages":[{"role":"user","content":"'), 0xff, 0xfe, ...Buffer.from('"}]}')]).toString("latin1"), null],
  ["a lone surrogate", '{"model":"fake-7b\\ud800","messages":[]}', null],
  ["no model", chat({ model: undefined }), "model"],
  ["a model that is a number", chat({ model: 7 }), "model"],
  ["an empty model", chat({ model: "" }), "model"],
  ["no messages", chat({ messages: undefined }), "messages"],
  ["messages that are text", chat({ messages: "hi" }), "messages"],
  ["max_tokens of 0", chat({ max_tokens: 0 }), "max_tokens"],
  ["max_tokens below 0", chat({ max_tokens: -5 }), "max_tokens"],
  ["max_tokens that is text", chat({ max_tokens: "many" }), "max_tokens"],
  ["max_tokens beyond 2^31", chat({ max_tokens: 4e9 }), "max_tokens"],
  ["a negative temperature", chat({ temperature: -0.1 }), "temperature"],
  ["a temperature that is text", chat({ temperature: "hot" }), "temperature"],
  ["top_p above 1", chat({ top_p: 1.5 }), "top_p"],
  ["stream that is a number", chat({ stream: 1 }), "stream"],
  ["a priority that is none", chat({ priority: "urgent!" }), "priority"],
];

test("a bad chat request is a 400 in OpenAI's shape that names the field", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  for (const [what, body, param] of badChats) {
    await t.test(what, async () => {
      const sent = typeof body === "string" ? Buffer.from(body, "latin1") : Buffer.from(JSON.stringify(body));
      const connection = await RawConnection.open(queen.url);
      connection.send(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${sent.length}\r\n\r\n`);
      connection.send(sent);
      const { status } = await connection.head();
      await connection.untilEnd();
      assert.equal(status, 400, connection.text());
      const { error } = JSON.parse(connection.text().split("\r\n\r\n")[1]);
      assert.ok(error.message && error.type === "invalid_request_error" && error.code, JSON.stringify(error));
      if (param) assert.equal(error.param, param, JSON.stringify(error));
    });
  }
  assert.equal((await fake.state()).started, 0, "none of it reached the worker");
  assert.equal((await queen.post("/v1/chat/completions", chat({ max_tokens: 1 }))).status, 200);
});

const badJobs = [
  ["no operation", {}, 400],
  ["an operation that does not exist", { operation: "fly" }, 400],
  ["an operation that is a number", { operation: 3 }, 400],
  ["infer without a prompt", { operation: "infer", model: "fake-7b" }, 400],
  ["infer of an unknown model", infer({ model: "nobody" }), 404],
  ["infer with max_tokens of a billion billions", infer({ max_tokens: 1e18 }), 400],
  ["infer with a seed that is text", infer({ seed: "x" }), 400],
  ["infer on a worker that is not there", infer({ worker_id: "nobody" }), [400, 404, 503]],
  ["labels that are not text", infer({ labels: { a: 1 } }), 400],
  ["an operation that is known but not built", { operation: "model_download" }, 501],
];

test("a bad operation is refused before it has an id", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake), "queue-timeout": "1s" });
  await queen.untilReadyFor("fake-7b");
  for (const [what, body, status] of badJobs) {
    await t.test(what, async () => {
      const answer = await queen.post("/v1/jobs", body);
      assert.ok([status].flat().includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
      assert.ok(answer.body.error.message && answer.body.error.code && answer.body.error.correlation_id);
      assert.equal(answer.body.job_id, undefined);
    });
  }
  for (const id of ["x", "job-", "job-../../etc/passwd", "%00", "a".repeat(5000), "job-00000000-0000-4000-8000-000000000000"]) {
    for (const method of ["GET", "DELETE"]) {
      const answer = await queen.request(method, `/v1/jobs/${id}`);
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${id}: ${answer.status}`);
    }
  }
  assert.equal((await queen.get("/health")).status, 200);
});

const hive = (change) => ({
  hive: { id: "h1", hostname: "h", address: "127.0.0.1", port: 7835, operational_status: "ready", health_status: { status: "healthy" }, version: "1", labels: {}, ...change },
  timestamp: new Date().toISOString(),
  workers: [],
  capabilities: [],
});
const process = (change) => ({
  pid: 1, group: "llm", instance: "8080", cpu_pct: 1, rss_mb: 1, io_r_mb_s: 0, io_w_mb_s: 0, uptime_s: 1, gpu_util_pct: 0, vram_mb: 0, total_vram_mb: 0,
  model: "m", worker_id: "w1", address: "127.0.0.1", port: 8080, kind: "rbee", state: "ready", slots: 1, active: 0, queued: 0, gpu_ids: [], labels: {}, ...change,
});
const liars = [
  ["a hive without an id", hive({ id: undefined })],
  ["a hive id with control characters", hive({ id: "a\nb" })],
  ["a hive at another machine's address", hive({ address: "192.0.2.7" })],
  ["a hive at a port beyond the last", hive({ port: 70000 })],
  ["a worker with negative VRAM", { ...hive(), workers: [process({ vram_mb: -5 })] }],
  ["a worker with more VRAM in use than there is", { ...hive(), workers: [process({ vram_mb: 10, total_vram_mb: 5 })] }],
  ["a worker with a negative number of slots", { ...hive(), workers: [process({ slots: -1 })] }],
  ["a worker at another machine's address", { ...hive(), workers: [process({ address: "192.0.2.7" })] }],
  ["a worker at port 0", { ...hive(), workers: [process({ port: 0 })] }],
  ["a worker in a state that does not exist", { ...hive(), workers: [process({ state: "dancing" })] }],
  ["workers that are text", { ...hive(), workers: "many" }],
  ["a hundred thousand workers", { ...hive(), workers: Array.from({ length: 100000 }, (_, i) => ({ worker_id: `w${i}` })) }],
];

test("a heartbeat that lies is refused, and its workers are not believed", async (t) => {
  const queen = await startQueen(t);
  for (const [what, body] of liars) {
    await t.test(what, async () => {
      const answer = await queen.post("/v1/hive-heartbeat", body);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${JSON.stringify(answer.body)}`);
      assert.ok(answer.body.error.message);
      assert.deepEqual((await queen.get("/v1/models")).body.data, []);
    });
  }
  assert.equal((await queen.post("/v1/hive-heartbeat", { ...hive(), workers: [process()] })).status, 200);
});

// Requests that must be refused as HTTP, with the statuses that are right for them.
const wrongHttp = [
  ["both lengths", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]],
  ["two Content-Lengths", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", [400]],
  ["a negative length", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", [400]],
  ["a folded header", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", [400]],
  ["bare LF", "GET /health HTTP/1.1\nHost: localhost\n\n", [400]],
  ["a NUL in a header", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", [400]],
  ["a blank before the colon", "GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n", [400]],
  ["no Host", "GET /health HTTP/1.1\r\n\r\n", [400]],
  ["two Hosts", "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", [400]],
  ["a bad chunk size", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", [400]],
  ["another transfer coding", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", [400, 501]],
  ["HTTP/2.0", "GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n", [400, 505]],
  ["two blanks in the request line", "GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n", [400]],
  ["a header of a megabyte", `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(1 << 20)}\r\n\r\n`, [431]],
  ["a thousand headers", `GET /health HTTP/1.1\r\nHost: localhost\r\n${"X: 1\r\n".repeat(1000)}\r\n`, [431]],
  ["a body beyond the cap", "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n", [413]],
  ["a path that is not there", "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", [404]],
  ["a method that is not for it", "DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", [405]],
];

test("malformed HTTP is refused, and the connection is not used again", async (t) => {
  const queen = await startQueen(t);
  for (const [what, bytes, statuses] of wrongHttp) {
    await t.test(what, async () => {
      const connection = await RawConnection.open(queen.url);
      connection.send(Buffer.from(bytes, "latin1"));
      const { status } = await connection.head();
      assert.ok(statuses.includes(status), `${status}`);
      if (![404, 405].includes(status)) await connection.untilEnd();
      connection.close();
    });
  }
  assert.equal((await queen.get("/health")).status, 200);
});

// [what, flags or (folder) => flags, what stderr must hold]
const wrongUse = [
  ["an unknown flag", ["--no-such-flag"], /no-such-flag/],
  ["a flag without its value", ["--listen"], /listen/],
  ["a number that is none", ["--queue-max", "many"], /queue-max/],
  ["a duration that is none", ["--queue-timeout", "soon"], /queue-timeout/],
  ["an address that is none", ["--listen", "nowhere:http"], /nowhere:http/],
  ["a worker without a model", ["--worker", "http://127.0.0.1:1"], /model/],
  ["an unknown mode", ["--mode", "office"], /home.*lab.*platform/],
  ["all addresses without a token", ["--listen", "0.0.0.0:0"], /token/],
  ["a configuration file that is not there", ["--config", "no-such-file.yaml"], /no-such-file/],
  ["an unknown key in a file", (folder) => ["--config", write(folder, "rbee.yaml", "listen: 127.0.0.1:0\nqueue-maxx: 5\n")], /rbee\.yaml:2[\s\S]*queue-max/],
  ["a bad value in a file", (folder) => ["--config", write(folder, "rbee.yaml", "queue-max: many\n")], /rbee\.yaml:1/],
  ["a file that is not YAML", (folder) => ["--config", write(folder, "rbee.yaml", "listen: [\n")], /rbee\.yaml/],
  ["a state directory that is a file", (folder) => ["--listen", "127.0.0.1:0", "--state-dir", write(folder, "file", "")], /file/],
];

const write = (folder, name, text) => {
  const file = path.join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
  return file;
};

for (const [what, flags, words] of wrongUse) {
  test(`queen-rbee stops at ${what}, and says what is wrong`, async (t) => {
    const folder = temporaryFolder(t);
    const args = typeof flags === "function" ? flags(folder) : flags;
    const ended = await run("queen-rbee", args.includes("--state-dir") ? args : ["--state-dir", folder, ...args]);
    assert.ok([1, 2].includes(ended.code), `${ended.code} ${ended.stderr}`);
    assert.match(ended.stderr, words);
    assert.equal(ended.stdout, "");
  });
}
