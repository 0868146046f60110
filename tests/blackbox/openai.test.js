// The npm `openai` client against a queen with a real worker and the demo model.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import OpenAI from "openai";
import { suiteScope } from "./lib/daemon.js";
import { until } from "./lib/wait.js";
import { startQueen, startWorker, tinyModel } from "./lib/world.js";

const model = tinyModel;
const messages = [{ role: "user", content: "Tell me a story about a bee." }];
const greedy = { model, messages, temperature: 0, max_tokens: 24 };

describe("the openai client", () => {
  let queen, worker, client;

  const t = suiteScope();

  before(async () => {
    queen = await startQueen(t);
    worker = await startWorker(t, { "queen-url": queen.url, slots: 2, "worker-id": "tiny-1" });
    await queen.untilReadyFor(model);
    client = new OpenAI({ baseURL: `${queen.url}/v1`, apiKey: "none", maxRetries: 0 });
  });

  test("lists and retrieves models", async () => {
    const list = await client.models.list();
    assert.deepEqual(list.data.map((one) => one.id), [model]);
    assert.equal((await client.models.retrieve(model)).object, "model");
    await assert.rejects(client.models.retrieve("no-such-model"), OpenAI.NotFoundError);
  });

  test("completes a chat, whole", async () => {
    const answer = await client.chat.completions.create(greedy);
    const [choice] = answer.choices;
    assert.equal(answer.object, "chat.completion");
    assert.equal(choice.message.role, "assistant");
    assert.ok(choice.message.content.length > 0);
    assert.ok(["stop", "length"].includes(choice.finish_reason));
    assert.ok(answer.usage.prompt_tokens > 0);
    assert.ok(answer.usage.completion_tokens > 0 && answer.usage.completion_tokens <= 24);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  test("streams the same text, and the usage when asked for", async () => {
    const whole = await client.chat.completions.create(greedy);
    let text = "";
    let usage = null;
    let finish = null;
    for await (const chunk of await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(finish, whole.choices[0].finish_reason);
    assert.equal(usage.total_tokens, whole.usage.total_tokens);
  });

  test("sends no usage chunk unasked", async () => {
    for await (const chunk of await client.chat.completions.create({ ...greedy, stream: true })) {
      assert.equal(chunk.usage ?? null, null);
      assert.equal(chunk.choices.length, 1);
    }
  });

  test("completes a plain prompt", async () => {
    const answer = await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 8, temperature: 0 });
    assert.equal(answer.object, "text_completion");
    assert.ok(answer.choices[0].text.length > 0);
    assert.ok(answer.usage.completion_tokens <= 8);
  });

  test("stops at a stop sequence and leaves it out", async () => {
    const whole = (await client.chat.completions.create(greedy)).choices[0].message.content;
    const stop = whole.trim().split(/\s+/)[2];
    const cut = await client.chat.completions.create({ ...greedy, stop: [stop] });
    assert.equal(cut.choices[0].message.content, whole.slice(0, whole.indexOf(stop)));
    assert.equal(cut.choices[0].finish_reason, "stop");
  });

  test("gives the same text for the same seed", async () => {
    const sampled = { ...greedy, temperature: 0.9, seed: 7 };
    const [one, two] = await Promise.all([1, 2].map(() => client.chat.completions.create(sampled)));
    assert.equal(one.choices[0].message.content, two.choices[0].message.content);
  });

  test("embeds texts, one or several, as floats and as base64", async () => {
    const one = await client.embeddings.create({ model, input: "a bee", encoding_format: "float" });
    const several = await client.embeddings.create({ model, input: ["a bee", "a king"] });
    assert.equal(one.data.length, 1);
    assert.equal(several.data.length, 2);
    assert.deepEqual(several.data.map((item) => item.index), [0, 1]);
    assert.equal(several.data[1].embedding.length, one.data[0].embedding.length);
    const distance = Math.hypot(...one.data[0].embedding.map((x, i) => x - several.data[0].embedding[i]));
    assert.ok(distance < 1e-3, "the same text has the same vector in either format");
    assert.notDeepEqual(several.data[0].embedding, several.data[1].embedding);
  });

  test("aborts a stream, and the worker's slot is free", async () => {
    const stream = await client.chat.completions.create({ ...greedy, max_tokens: 400, stop: undefined, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break; // leaving the loop aborts the request
    }
    await until("the worker is idle", async () => (await worker.get("/info")).body.active === 0);
    await until("the ledger is empty", async () => (await queen.metric("rbee_running")) === 0);
  });

  for (const [what, change, error, code] of [
    ["an unknown model", { model: "no-such-model" }, OpenAI.NotFoundError, "model_not_found"],
    ["max_tokens of 0", { max_tokens: 0 }, OpenAI.BadRequestError, "invalid_value"],
    ["a negative temperature", { temperature: -1 }, OpenAI.BadRequestError, "invalid_value"],
    ["no messages", { messages: undefined }, OpenAI.BadRequestError, "missing_required_parameter"],
    ["a prompt beyond the context", { messages: [{ role: "user", content: "bee ".repeat(4000) }] }, OpenAI.BadRequestError, "context_length_exceeded"],
  ]) {
    for (const stream of [false, true]) {
      test(`throws ${error.name} for ${what}${stream ? ", streamed" : ""}`, async () => {
        await assert.rejects(client.chat.completions.create({ ...greedy, ...change, stream }), (thrown) => {
          assert.ok(thrown instanceof error, `${thrown.constructor.name}: ${thrown.message}`);
          assert.equal(thrown.code, code);
          return true;
        });
      });
    }
  }
});
