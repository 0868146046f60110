// What goes wrong around the queen, in each phase of a request. After every case her
// ledger and her descriptors are back where they were.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawConnection } from "./lib/raw.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

// A whole answer has no first token: only the total ends one that never comes.
const quick = { "connect-timeout": "2s", "first-token-timeout": "1s", "token-timeout": "1s", "total-timeout": "3s" };
const request = (stream) => ({ model: "fake-7b", stream, max_tokens: 4, messages: [{ role: "user", content: "hi" }] });
const path = "/v1/chat/completions";

// A queen and so many fake workers, warmed up, and what she held then.
async function warm(t, { workers = 1, slots = 4, options = {} } = {}) {
  const fakes = [];
  for (let i = 0; i < workers; i++) fakes.push(await startFake(t, { id: `fake-${i}` }));
  // `simple` takes the first one with room: so a test knows who fails.
  const queen = await startQueen(t, { scheduler: "simple", worker: fakes.map((fake) => asStatic(fake, { slots })), ...options });
  await queen.untilReadyFor("fake-7b", workers);
  await queen.get("/health");
  const world = { queen, fakes, fake: fakes[0] };
  await settle(world);
  world.fds = queen.fds() + workers; // each may keep one idle connection for the next request
  return world;
}

// Waits until nothing is left of any request, anywhere.
async function settle({ queen, fakes, fds }) {
  await until("the queen's ledger is empty", async () =>
    (await queen.metric("rbee_running")) === 0 && (await queen.metric("rbee_queue_depth")) === 0);
  for (const fake of fakes) {
    if (!fake.exit) await until(`${fake.name} is idle`, async () => (await fake.state()).active === 0);
  }
  if (fds) await until("the queen's descriptors are back", () => queen.fds() <= fds);
}

// --- The client goes -----------------------------------------------------

// In each phase: how the worker behaves, and what has happened when it is reached.
const phases = {
  "while queued": { slots: 0, reached: async ({ queen }) => (await queen.metric("rbee_queue_depth")) === 1 },
  "before the worker's head": { knobs: { hang: "head" }, reached: async ({ fake }) => (await fake.state()).active === 1 },
  "before the first token": { knobs: { hang: "first_token" }, reached: async ({ fake }) => (await fake.state()).active === 1 },
  "between two tokens": { knobs: { hang: "mid", hang_after: 2 }, reached: async ({ fake }) => (await fake.state()).tokens === 2 },
};
const leaving = {
  closes: (connection) => connection.close(),
  resets: (connection) => connection.reset(),
  "half-closes": (connection) => connection.halfClose(),
};

for (const [phase, { slots = 4, knobs = {}, reached }] of Object.entries(phases)) {
  for (const [way, leave] of Object.entries(leaving)) {
    test(`a client that ${way} ${phase} frees everything, streamed or not`, async (t) => {
      const world = await warm(t, { slots: slots || 1 });
      for (const stream of [true, false]) {
        await world.fake.reset();
        await world.fake.set(slots ? knobs : { hang: "head" });
        const holder = slots ? null : await RawConnection.open(world.queen.url);
        holder?.post(path, request(false));
        if (holder) await until("the slot is taken", async () => (await world.fake.state()).active === 1);

        const client = await RawConnection.open(world.queen.url);
        client.post(path, request(stream));
        await until(phase, () => reached(world));
        leave(client);
        await until("the queen let it go", async () => (await world.queen.metric("rbee_running")) + (await world.queen.metric("rbee_queue_depth")) === (holder ? 1 : 0));
        holder?.close();
        client.close();
        await settle(world);
        assert.equal((await world.fake.state()).started, 1);
      }
    });
  }
}

// --- The worker fails before the first byte ------------------------------

// Another worker may take over from all of these: nothing has gone out yet.
const early = {
  "resets before its head": { reset_after: 0 },
  "closes before its head": { close_after: 0 },
  "answers 500": { status: 500 },
  "answers 503": { status: 503 },
  "is silent before its head": { hang: "head" },
  "answers something else than HTTP": { garbage: "not_http" },
  "sends a megabyte of header": { garbage: "huge_header" },
  "sends thousands of headers": { garbage: "many_headers" },
  "sends two lengths": { garbage: "two_lengths" },
  "sends a status of four digits": { garbage: "bad_status" },
};

// The fake that the queen asks first now.
async function preferred({ queen, fakes }) {
  for (const fake of fakes) await fake.reset();
  assert.equal((await queen.post(path, request(false))).status, 200);
  const states = await Promise.all(fakes.map((fake) => fake.state()));
  return fakes.find((_, i) => states[i].started === 1);
}

for (const [what, knobs] of Object.entries(early)) {
  test(`a worker that ${what}: another one answers and nobody notices`, async (t) => {
    const world = await warm(t, { workers: 2, options: quick });
    for (const stream of [true, false]) {
      const first = await preferred(world);
      await first.set({ ...knobs, times: 1 });
      const answer = await world.queen.post(path, request(stream));
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal((await first.state()).faulted, 1);
      await settle(world);
      await world.queen.untilReadyFor("fake-7b", 2);
    }
  });
}

for (const [what, knobs] of Object.entries(early)) {
  test(`a worker that ${what}, and no other: a real status and an error that names it`, async (t) => {
    const world = await warm(t, { options: { ...quick, "queue-timeout": "1s" } });
    for (const stream of [true, false]) {
      await world.fake.set(knobs);
      const answer = await world.queen.post(path, request(stream));
      assert.ok([502, 503, 504].includes(answer.status), `${answer.status}`);
      assert.equal(answer.body.error.type, "server_error");
      assert.ok(answer.body.error.message);
      await world.fake.reset();
      await settle(world);
      await world.queen.untilReadyFor("fake-7b");
    }
  });
}

// --- The worker fails after the first byte -------------------------------

const late = {
  "resets in mid-stream": { reset_after: 2 },
  "closes in mid-stream": { close_after: 2 },
  "falls silent in mid-stream": { hang: "mid", hang_after: 2 },
  "ends its stream without its marker": { no_done: true },
};

for (const [what, knobs] of Object.entries(late)) {
  test(`a worker that ${what}: the client is told, and never sees a clean end`, async (t) => {
    const world = await warm(t, { workers: 2, options: quick });
    for (const fake of world.fakes) await fake.set(knobs);
    const client = await RawConnection.open(world.queen.url);
    client.post(path, request(true));
    await client.untilEnd();
    const text = client.text();
    assert.match(text, /^HTTP\/1\.1 200/);
    assert.match(text, /w0[\s\S]*w1/);
    assert.match(text, /data: \{"error":\{/);
    assert.ok(!text.includes("[DONE]"));
    assert.ok(!text.includes('"finish_reason":"stop"'));
    assert.ok(!text.endsWith("0\r\n\r\n"), "the body must not end as if it were whole");
    const states = await Promise.all(world.fakes.map((fake) => fake.state()));
    assert.equal(states[0].started + states[1].started, 1, "no retry after the first byte");
    await settle(world);
  });
}

test("a whole answer may take longer than a first token, and than a silence in a stream", async (t) => {
  const world = await warm(t, { options: { "first-token-timeout": "200ms", "token-timeout": "200ms" } });
  await world.fake.set({ ttft_ms: 1000 });
  const answer = await world.queen.post(path, request(false));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal((await world.fake.state()).started, 1);
  await settle(world);
});

test("a worker's own 400 reaches the client as it was said", async (t) => {
  const world = await warm(t);
  await world.fake.set({ status: 400 });
  const answer = await world.queen.post(path, request(true));
  assert.equal(answer.status, 400);
  assert.equal(answer.body.error.code, "fake_fault");
  await settle(world);
});

// --- The worker's process ------------------------------------------------

for (const [phase, { knobs, reached, slots }] of Object.entries(phases)) {
  if (slots === 0) continue;
  test(`a worker that is killed ${phase}: the client hears of it at once`, async (t) => {
    const world = await warm(t, { options: { "queue-timeout": "1s" } });
    await world.fake.set(knobs);
    const client = await RawConnection.open(world.queen.url);
    client.post(path, request(true));
    await until(phase, () => reached(world));
    await world.fake.crash();
    await until("an error", () => client.text().includes('"error":'));
    assert.ok(!client.text().includes("[DONE]"));
    client.close();
    await settle(world);
  });

  test(`a worker that is frozen ${phase} is given up after its time-out`, async (t) => {
    const world = await warm(t, { options: { ...quick, "queue-timeout": "1s" } });
    await world.fake.set(knobs);
    const client = await RawConnection.open(world.queen.url);
    client.post(path, request(true));
    await until(phase, () => reached(world));
    world.fake.signal("SIGSTOP");
    await until("an error", () => client.text().includes('"error":'));
    world.fake.signal("SIGCONT");
    client.close();
    await settle(world);
  });
}

test("a worker that restarts on its port is found again, and its stale connection is no error", async (t) => {
  const world = await warm(t);
  assert.equal((await world.queen.post(path, request(false))).status, 200);
  await world.fake.crash();
  const again = await startFake(t, { listen: world.fake.listen });
  await world.queen.untilReadyFor("fake-7b");
  assert.equal((await world.queen.post(path, request(false))).status, 200);
  assert.equal((await again.state()).completed, 1);
});

test("a queen that is killed and started again serves at the same place", async (t) => {
  const world = await warm(t);
  await world.fake.set({ hang: "mid" });
  const client = await RawConnection.open(world.queen.url);
  client.post(path, request(true));
  await client.until("w0");
  await world.queen.crash();
  await client.untilEnd();
  await until("the worker is free", async () => (await world.fake.state()).active === 0);
  await world.fake.reset();
  const again = await startQueen(t, { "state-dir": world.queen.stateDir, listen: world.queen.listen, worker: asStatic(world.fake) });
  await again.untilReadyFor("fake-7b");
  assert.equal((await again.post(path, request(false))).status, 200);
});
