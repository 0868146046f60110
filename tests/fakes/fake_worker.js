#!/usr/bin/env node
// fake_worker - a worker without a model, for tests: answers at once with made-up
// tokens, or badly, as its knobs say (knobs.js; set over HTTP).
//
//   fake_worker.js [--listen HOST:PORT] [--id ID] [--model NAME] [--queen-url URL]
//                  [--token TOKEN] [--knobs JSON]
//
// Speaks rbee's dual call (POST, GET, DELETE /v1/inference), the OpenAI routes,
// /health and /info; heartbeats to --queen-url each second. Ready: one JSON line on
// stderr, as the daemons write it. GET /_fake: knobs, counters, `active`, and the last
// request; POST /_fake: set knobs; POST /_fake/reset: as new.
import { randomUUID } from "node:crypto";
import http from "node:http";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Knobs, counters } from "./knobs.js";
import * as answers from "./answers.js";

const { values: options } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:0" },
    id: { type: "string", default: "fake-1" },
    model: { type: "string", default: "fake-7b" },
    "queen-url": { type: "string" },
    token: { type: "string" },
    knobs: { type: "string" },
  },
});

const knobs = new Knobs();
if (options.knobs) knobs.set(JSON.parse(options.knobs));
let count = counters();
let last = null; // the last request for inference
const runs = new Map(); // id -> run, from its slot to its end

class Fault extends Error {}

// --- Generation ----------------------------------------------------------

function startRun(route, body, wanted) {
  const prompt = JSON.stringify(body.messages ?? body.prompt ?? "");
  const run = {
    id: `${route === "native" ? "job" : "chatcmpl"}-${randomUUID()}`,
    route,
    body,
    wanted,
    model: options.model,
    workerId: options.id,
    promptTokens: prompt.split(/\s+/).length,
    tokens: wanted.tokens ?? body.max_tokens ?? body.max_completion_tokens ?? 8,
    stop: new AbortController(),
  };
  runs.set(run.id, run);
  count.started++;
  count.peak = Math.max(count.peak, runs.size);
  return run;
}

// Ends a run once; `how` is the counter that it ends in, if any.
function endRun(run, how) {
  if (!runs.delete(run.id)) return;
  if (how) count[how]++;
  run.stop.abort();
}

const forever = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

// Calls `emit` for each token at its time. Throws a Fault where one is due, and an
// AbortError when the run is stopped.
async function generate(run, emit) {
  const { wanted } = run;
  const { signal } = run.stop;
  if (wanted.hang === "first_token") await forever(signal);
  if (wanted.ttft_ms) await sleep(wanted.ttft_ms, undefined, { signal });
  for (let i = 0; ; i++) {
    if (wanted.reset_after === i) throw new Fault("reset");
    if (wanted.close_after === i) throw new Fault("close");
    if (wanted.hang === "mid" && wanted.hang_after === i) await forever(signal);
    if (i === run.tokens) return;
    if (i && wanted.gap_ms) await sleep(wanted.gap_ms, undefined, { signal });
    signal.throwIfAborted();
    await emit(i, answers.tokenText(i, wanted.token_bytes));
  }
}

// --- Answers -------------------------------------------------------------

function sendJson(res, status, body, headers = {}) {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  res.end(text);
}

// A reset drops what node still holds back, so that is let out first: the tokens that
// were written reach the peer, then the connection breaks.
async function breakConnection({ socket }, how) {
  if (how === "reset") {
    do await turn();
    while (socket.writableLength > 0 && !socket.destroyed);
    socket.resetAndDestroy();
  } else {
    socket.end(() => socket.destroy());
  }
}

// A write that waits while the peer does not read.
async function write(res, text, signal) {
  if (!text) return;
  if (res.write(text)) return;
  await new Promise((resolve, reject) => {
    res.once("drain", resolve);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function streamRun(run, res, format) {
  const { signal } = run.stop;
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  res.flushHeaders();
  let isBegun = false;
  const begin = async () => {
    if (!isBegun) await write(res, format.begin(), signal);
    isBegun = true;
  };
  if (run.route === "native") await begin();
  await generate(run, async (i, text) => {
    await begin();
    await write(res, format.token(i, text), signal);
    count.tokens++;
  });
  await begin();
  endRun(run, "completed");
  res.end(run.wanted.no_done ? "" : format.end(run.tokens) + format.done());
}

async function wholeRun(run, res) {
  let text = "";
  await generate(run, (i, piece) => {
    text += piece;
    count.tokens++;
  });
  endRun(run, "completed");
  sendJson(res, 200, answers.wholeAnswer(run, text, run.tokens));
}

// Runs `work` with the ends that a run may come to: done, stopped, or a fault.
async function serve(run, res, work, format) {
  res.on("close", () => {
    if (!res.writableFinished && run.wanted.cancel_on_disconnect) endRun(run, "aborted");
  });
  try {
    await work();
  } catch (error) {
    if (error instanceof Fault) {
      endRun(run);
      await breakConnection(res, error.message);
    } else if (run.isCancelled && !res.destroyed) {
      res.end(format ? format.cancelled() : "");
    } else if (error.name !== "AbortError") {
      throw error;
    }
  }
}

// What comes before any run: faults that answer at once, and full slots. True: answered.
function answeredEarly(wanted, req, res) {
  if (wanted.isHit) count.faulted++;
  if (wanted.garbage) {
    res.socket.end(answers.garbage[wanted.garbage]);
    return true;
  }
  if (wanted.reset_after === 0 || wanted.close_after === 0) {
    breakConnection(res, wanted.reset_after === 0 ? "reset" : "close");
    return true;
  }
  if (wanted.status) {
    sendJson(res, wanted.status, answers.errorBody(wanted.status, "a fault was asked for", "fake_fault"));
    return true;
  }
  if (runs.size >= wanted.slots && wanted.full === "refuse") {
    count.refused++;
    sendJson(res, 503, answers.errorBody(503, "all slots are busy", "worker_full"), { "retry-after": "1" });
    return true;
  }
  return false;
}

// --- Routes --------------------------------------------------------------

const formats = { chat: answers.chatFormat, text: answers.textFormat, native: answers.nativeFormat };

async function openaiRoute(route, req, res, body) {
  const wanted = knobs.take();
  if (answeredEarly(wanted, req, res)) return;
  const run = startRun(route, body, wanted);
  if (wanted.hang === "head") {
    await serve(run, res, () => forever(run.stop.signal));
  } else if (body.stream) {
    const format = formats[route](run);
    await serve(run, res, () => streamRun(run, res, format), format);
  } else {
    await serve(run, res, () => wholeRun(run, res));
  }
}

async function submit(req, res, body) {
  const wanted = knobs.take();
  if (answeredEarly(wanted, req, res)) return;
  const run = startRun("native", body, wanted);
  if (wanted.hang === "head") {
    await serve(run, res, () => forever(run.stop.signal));
    return;
  }
  sendJson(res, 200, { job_id: run.id, sse_url: `/v1/inference/${run.id}/stream` });
}

async function stream(id, res) {
  const run = runs.get(id);
  if (!run) return sendJson(res, 404, answers.errorBody(404, `no job '${id}'`, "job_not_found"));
  const format = formats.native(run);
  await serve(run, res, () => streamRun(run, res, format), format);
}

function cancel(id, res) {
  const run = runs.get(id);
  if (run) {
    run.isCancelled = true;
    endRun(run, "cancelled");
  }
  sendJson(res, 200, { job_id: id, status: "cancelled" });
}

const state = () => ({ id: options.id, active: runs.size, knobs: knobs.values, ...count, last });

function fakeRoute(path, req, res, body) {
  if (path === "/_fake/reset") {
    knobs.reset();
    count = counters();
    last = null;
  } else if (req.method === "POST") {
    try {
      knobs.set(body);
    } catch (error) {
      return sendJson(res, 400, answers.errorBody(400, error.message, "invalid_value"));
    }
  }
  sendJson(res, 200, state());
}

const workerInfo = () => ({
  id: options.id,
  model_id: options.model,
  device: "cpu",
  address: listen.host,
  port: listen.port,
  status: runs.size < knobs.values.slots ? "ready" : "busy",
  implementation: "rbee",
  version: "0.0.0-fake",
  slots: knobs.values.slots,
  active: runs.size,
  queued: 0,
  labels: {},
});

async function route(req, res, text) {
  const path = req.url.replace(/\?.*/, "").replace(/^\/openai\/v1/, "/v1");
  const body = text ? JSON.parse(text) : {};
  const job = /^\/v1\/inference\/([^/]+)(\/stream)?$/.exec(path);
  if (path.startsWith("/_fake")) return fakeRoute(path, req, res, body);
  if (req.method === "POST" || job) {
    last = { method: req.method, path, headers: req.headers, body };
  }
  if (path === "/health" || path === "/ready") {
    const { health } = knobs.values;
    return sendJson(res, health, { status: health === 200 ? "ok" : "failing" });
  }
  if (path === "/info") return sendJson(res, 200, workerInfo());
  if (path === "/v1/models") {
    const model = { id: options.model, object: "model", created: 1700000000, owned_by: "fake" };
    return sendJson(res, 200, { object: "list", data: [model] });
  }
  if (path === "/v1/inference" && req.method === "POST") return submit(req, res, body);
  if (job && job[2] && req.method === "GET") return stream(job[1], res);
  if (job && !job[2] && req.method === "DELETE") return cancel(job[1], res);
  if (path === "/v1/chat/completions") return openaiRoute("chat", req, res, body);
  if (path === "/v1/completions") return openaiRoute("text", req, res, body);
  if (path === "/v1/embeddings") {
    if (!answeredEarly(knobs.take(), req, res)) sendJson(res, 200, answers.embeddings(options.model, body.input));
    return;
  }
  sendJson(res, 404, answers.errorBody(404, `no route ${req.method} ${path}`, "not_found"));
}

// --- Life ----------------------------------------------------------------

const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 60000 }, (req, res) => {
  const pieces = [];
  req.on("data", (piece) => pieces.push(piece));
  req.on("end", () => {
    route(req, res, Buffer.concat(pieces).toString()).catch((error) => {
      if (!res.headersSent) sendJson(res, 400, answers.errorBody(400, error.message, "invalid_request"));
      else res.destroy();
    });
  });
  req.on("error", () => {});
});
server.on("connection", (socket) => {
  count.connections++;
  socket.on("error", () => {});
});

const listen = { host: options.listen.replace(/:\d+$/, ""), port: Number(options.listen.replace(/^.*:/, "")) };

async function heartbeat() {
  const headers = { "content-type": "application/json" };
  if (options.token) headers.authorization = `Bearer ${options.token}`;
  const body = JSON.stringify({ worker: workerInfo(), timestamp: new Date().toISOString(), api_version: 1 });
  try {
    const answer = await fetch(`${options["queen-url"]}/v1/worker-heartbeat`, { method: "POST", headers, body });
    await answer.arrayBuffer();
    count[answer.ok ? "heartbeats" : "heartbeats_refused"]++;
  } catch {
    count.heartbeats_refused++;
  }
}

server.listen(listen.port, listen.host, () => {
  listen.port = server.address().port;
  process.stderr.write(`${JSON.stringify({ level: "info", program: "fake-worker", msg: "ready", listen: `${listen.host}:${listen.port}` })}\n`);
  if (options["queen-url"]) {
    heartbeat();
    setInterval(heartbeat, 1000);
  }
});
process.on("SIGTERM", () => process.exit(0));
