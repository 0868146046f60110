// The corpus of hostile policies (tests/hostile/), and what the kernel knows of policy hosts.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { root } from "./daemon.js";

const folder = path.join(root, "tests/hostile");
const languages = { ".lua": "lua", ".yaml": "yaml", ".rhai": "rhai" };
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// JSON holds characters only: what is no UTF-8 goes byte by byte, as the characters of Latin-1.
function textOf(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

// "-- expect: timeout|memory raw repeat=100 ask=admit", as the folder's README says.
function readScript(name) {
  const text = textOf(readFileSync(path.join(folder, name)));
  const end = text.indexOf("\n") + 1;
  const [, words] = /^(?:--|\/\/|#) expect: (.*)$/.exec(text.slice(0, end).trimEnd());
  const [expected, ...options] = words.split(" ");
  const option = (key) => options.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1);
  const head = options.includes("raw") ? "" : text.slice(0, end);
  return {
    name,
    language: languages[path.extname(name)],
    expected: expected.split("|"),
    ask: option("ask"),
    source: head + text.slice(end).repeat(Number(option("repeat") ?? 1)),
  };
}

export const corpus = readdirSync(folder)
  .filter((name) => path.extname(name) in languages)
  .sort()
  .map(readScript);

// The world that the corpus was written for: w-1 has room for job-1, w-2 has none, w-3 has
// another model, and job-2 is pinned to w-2.
export const world = {
  now_ms: 1700000000000,
  queue: [
    { id: "job-1", model_ref: "llama", priority: "interactive" },
    { id: "job-2", model_ref: "llama", priority: "batch", pinned_worker_id: "w-2" },
  ],
  pools: [{ id: "attic", status: "healthy", gpus: [{ id: 0, name: "Big", vram_total_mb: 24000 }] }],
  workers: [
    { id: "w-1", pool_id: "attic", status: "ready", model_ref: "llama", slots: 4, gpu_ids: [0] },
    { id: "w-2", pool_id: "attic", status: "busy", model_ref: "llama", slots: 1, active: 1, in_flight: 1, gpu_ids: [0] },
    { id: "w-3", pool_id: "attic", status: "ready", model_ref: "tiny", slots: 4 },
  ],
};

// The processes whose parent is `pid`: [{pid, name, state}], the dead that nobody asked after too.
export function childrenOf(pid) {
  const children = [];
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, "utf8"));
      if (Number(parent) === pid) children.push({ pid: Number(entry), name, state });
    } catch {
      // It has ended meanwhile.
    }
  }
  return children;
}

export function killChildren(pid) {
  for (const child of childrenOf(pid)) {
    try {
      process.kill(child.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error; // it has ended meanwhile
    }
  }
}

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
