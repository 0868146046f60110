// The cast of a test: a queen, hives, real and fake workers, each with its usual flags.
import path from "node:path";
import { Daemon, build, root, temporaryFolder } from "./daemon.js";
import { until } from "./wait.js";

const fakeProgram = path.join(root, "tests/fakes/fake_worker.js");
export const modelsFolder = path.join(root, "models");
export const tinyModel = "rbee-tiny";

const flags = (options) => Object.entries(options).flatMap(([name, value]) => [value].flat().map((one) => `--${name}=${one}`));

// Starts PROGRAM with `options` as flags ({"queue-max": 10, worker: [...]}).
async function startProgram(t, program, options, env) {
  const stateDir = options["state-dir"] ?? temporaryFolder(t);
  const usual = { listen: "127.0.0.1:0", "state-dir": stateDir, "log-format": "json" };
  return Daemon.start(t, program, path.join(build, program), flags({ ...usual, ...options }), { env, stateDir });
}

// A queen, with untilReadyFor(model, workers): so many workers can be asked for it.
export async function startQueen(t, options = {}, env = {}) {
  const queen = await startProgram(t, "queen-rbee", options, env);
  queen.untilReadyFor = (model, workers = 1) =>
    until(`${workers} worker(s) for ${model}`, async () => (await queen.get(`/v1/models/${model}`)).body.workers_ready >= workers);
  return queen;
}

export const startHive = (t, queen, options = {}, env = {}) =>
  startProgram(t, "rbee-hive", { "queen-url": queen.url, "models-dir": modelsFolder, ...options }, env);

export const startWorker = (t, options = {}, env = {}) =>
  startProgram(t, "llm-worker-rbee", { model: path.join(modelsFolder, tinyModel, `${tinyModel}.gguf`), "model-ref": tinyModel, threads: 1, ...options }, env);

// A fake worker with set(), state() and reset() for its knobs and counters.
export async function startFake(t, { knobs = {}, ...options } = {}) {
  const args = [fakeProgram, ...flags({ ...options, knobs: JSON.stringify(knobs) })];
  const fake = await Daemon.start(t, options.id ?? "fake-worker", process.execPath, args);
  fake.set = async (changes) => {
    const { status, body } = await fake.post("/_fake", changes);
    if (status !== 200) throw new Error(body.error.message);
    return body;
  };
  fake.state = async () => (await fake.get("/_fake")).body;
  fake.reset = () => fake.post("/_fake/reset", {});
  return fake;
}

// `fake` as the queen's --worker: a static OpenAI-compatible endpoint.
export const asStatic = (fake, { model = "fake-7b", slots = 4 } = {}) => `${fake.url},model=${model},slots=${slots},kind=openai`;
