// The cast of a test: a queen, hives, real and fake workers, each with its usual flags.
import path from "node:path";
import { Daemon, build, root, temporaryFolder } from "./daemon.js";

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

export const startQueen = (t, options = {}, env = {}) => startProgram(t, "queen-rbee", options, env);

export const startHive = (t, queen, options = {}, env = {}) =>
  startProgram(t, "rbee-hive", { "queen-url": queen.url, "models-dir": modelsFolder, ...options }, env);

export const startWorker = (t, options = {}, env = {}) =>
  startProgram(t, "llm-worker-rbee", { model: path.join(modelsFolder, tinyModel), "model-ref": tinyModel, threads: 1, ...options }, env);

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
