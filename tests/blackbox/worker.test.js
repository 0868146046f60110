// The real worker by itself, with the demo model.
import assert from "node:assert/strict";
import { copyFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { run, suiteScope, temporaryFolder } from "./lib/daemon.js";
import { RawConnection } from "./lib/raw.js";
import { allEvents, dataOf, events, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { modelsFolder, startWorker, tinyModel } from "./lib/world.js";

const file = path.join(modelsFolder, tinyModel, `${tinyModel}.gguf`);
const messages = [{ role: "user", content: "Tell me a story about a bee." }];
const greedy = { model: tinyModel, messages, temperature: 0, max_tokens: 32 };
const endless = { ...greedy, max_tokens: 400, temperature: 1.5, seed: 1 };

const untilReady = (worker) => until("the model is loaded", async () => (await worker.get("/health")).status === 200);
const untilIdle = (worker) => until("every slot is free", async () => {
  const { body } = await worker.get("/info");
  return body.active === 0 && body.queued === 0;
});

describe("a worker with two slots", () => {
  let worker;

  const t = suiteScope();

  before(async () => {
    worker = await startWorker(t, { slots: 2, queue: 1 });
    await untilReady(worker);
  });

  test("says what it is", async () => {
    const { body } = await worker.get("/info");
    assert.equal(body.model_id, tinyModel);
    assert.equal(body.slots, 2);
    assert.equal(body.active, 0);
    assert.match((await worker.get("/metrics")).body, /^# HELP rbee_/m);
    assert.deepEqual((await worker.get("/v1/models")).body.data.map((one) => one.id), [tinyModel]);
  });

  test("streams the dual call: started, tokens in order, end, marker", async () => {
    const { body } = await worker.post("/v1/inference", { ...greedy, model: undefined });
    const list = await allEvents(await worker.stream("GET", body.sse_url));
    assert.equal(list[0].event, "started");
    const tokens = dataOf(list, "token");
    assert.deepEqual(tokens.map((token) => token.i), tokens.map((_, i) => i));
    const [end] = dataOf(list, "end");
    assert.equal(end.tokens_out > 0, true);
    assert.equal(list.at(-1).data, "[DONE]");
    const chat = await worker.post("/v1/chat/completions", greedy);
    assert.equal(textOf(list), chat.body.choices[0].message.content);
  });

  test("gives the same greedy text alone and in company", async () => {
    const alone = (await worker.post("/v1/chat/completions", greedy)).body.choices[0].message.content;
    const together = await Promise.all([1, 2].map(() => worker.post("/v1/chat/completions", greedy)));
    for (const answer of together) assert.equal(answer.body.choices[0].message.content, alone);
  });

  test("stops decoding when it is told to", async () => {
    const { body } = await worker.post("/v1/inference", { ...endless, model: undefined });
    const seen = [];
    for await (const event of events(await worker.stream("GET", body.sse_url))) {
      seen.push(event);
      if (event.event === "token" && seen.filter((one) => one.event === "token").length === 1) {
        assert.equal((await worker.delete(`/v1/inference/${body.job_id}`)).status, 200);
      }
    }
    assert.equal(dataOf(seen, "error")[0]?.code ?? "CANCELLED", "CANCELLED");
    await untilIdle(worker);
  });

  test("stops decoding when the client goes, streamed or not", async () => {
    for (const stream of [true, false]) {
      const connection = await RawConnection.open(worker.url);
      connection.post("/v1/chat/completions", { ...endless, stream });
      if (stream) await connection.until('"content":"');
      connection.close();
      await untilIdle(worker);
    }
  });

  test("is full at two running and one waiting, and says so with Retry-After", async () => {
    const connections = [];
    for (let i = 0; i < 3; i++) {
      const connection = await RawConnection.open(worker.url);
      // Nobody reads these: their runs stop at their unread output and keep their slots.
      connection.socket.pause();
      connection.post("/v1/chat/completions", { ...endless, stream: true });
      connections.push(connection);
    }
    let refused = null;
    for (let i = 0; i < 50 && refused?.status !== 503; i++) {
      const burst = await Promise.all(Array.from({ length: 6 }, () => worker.post("/v1/chat/completions", { ...greedy, max_tokens: 64 })));
      refused = burst.find((answer) => answer.status === 503) ?? refused;
    }
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    for (const connection of connections) connection.close();
    await untilIdle(worker);
  });

  test("refuses what does not fit or makes no sense", async () => {
    const cases = [
      [{ ...greedy, messages: [{ role: "user", content: "bee ".repeat(4000) }] }, 400, "context_length_exceeded"],
      [{ ...greedy, max_tokens: 0 }, 400, "invalid_value"],
      [{ ...greedy, temperature: -1 }, 400, "invalid_value"],
      [{ ...greedy, model: "another" }, 404, "model_not_found"],
      [{ ...greedy, n: 2 }, 400, "invalid_value"],
      ["{", 400, "invalid_json"],
    ];
    for (const [body, status, code] of cases) {
      const answer = await worker.post("/v1/chat/completions", body);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.equal(answer.body.error.code, code);
    }
  });

  test("clamps max_tokens to what fits", async () => {
    const answer = await worker.post("/v1/chat/completions", { ...greedy, max_tokens: 1e9 });
    assert.equal(answer.status, 200);
    assert.ok(answer.body.usage.total_tokens <= 512);
  });
});

test("a damaged model stops the worker with an exit code and words of its own", async (t) => {
  const folder = temporaryFolder(t);
  const text = path.join(folder, "text.gguf");
  const short = path.join(folder, "short.gguf");
  writeFileSync(text, "this is not a model\n".repeat(100));
  copyFileSync(file, short);
  truncateSync(short, 1 << 20);
  for (const model of [text, short, path.join(folder, "nothing.gguf")]) {
    const ended = await run("llm-worker-rbee", ["--model", model, "--listen", "127.0.0.1:0"]);
    assert.ok(ended.code > 2, `${model}: ${ended.code} ${ended.stderr}`);
    assert.ok(ended.stderr.includes(path.basename(model)), ended.stderr);
  }
});

test("without the engine's libraries the worker says how to get them, with an exit code of its own", async (t) => {
  const ended = await run("llm-worker-rbee", ["--model", file, "--listen", "127.0.0.1:0", "--engine-dir", temporaryFolder(t)]);
  const damaged = await run("llm-worker-rbee", ["--model", "/dev/null", "--listen", "127.0.0.1:0"]);
  assert.ok(ended.code > 2 && ended.code !== damaged.code, `${ended.code} ${ended.stderr}`);
  assert.match(ended.stderr, /make engine/);
});

test("SIGTERM in mid-stream lets the answer end first", async (t) => {
  const worker = await startWorker(t, { slots: 1 });
  await untilReady(worker);
  const stream = await worker.stream("POST", "/v1/chat/completions", { ...endless, stream: true });
  worker.signal("SIGTERM");
  assert.equal((await allEvents(stream)).at(-1).data, "[DONE]");
  await until("the worker has ended", () => worker.exit);
  assert.equal(worker.exit.code, 0);
});
