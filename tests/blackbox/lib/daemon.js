// Starts the programs under test, one folder of state each, on free ports, and sees to
// it that they end: with the test, and with this process whatever happens.
//
// RBEE_BUILD names the build directory (default: build).
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { after } from "node:test";
import { fdCount, rssKb } from "./proc.js";
import { until, within } from "./wait.js";

export const root = path.resolve(import.meta.dirname, "../../..");
export const build = path.resolve(root, process.env.RBEE_BUILD ?? "build");
export const isSanitised = path.basename(build) !== "build";

const STDERR_LINES_MAX = 5000;
const SANITIZER = /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:/;

const living = new Set();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

// What a suite's before() starts ends with the suite: pass this where a test's `t` goes.
export function suiteScope() {
  const ends = [];
  after(async () => {
    for (const end of ends) await end();
  });
  return { after: (end) => ends.push(end) };
}

// A folder that is removed when the test ends.
export function temporaryFolder(t) {
  const folder = mkdtempSync(path.join(tmpdir(), "rbee-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// Runs a program to its end: {code, signal, stdout, stderr}.
export async function run(program, args, { env = {}, input = "", timeoutMs = 30000 } = {}) {
  const child = spawn(path.join(build, program), args, { env: { ...process.env, ...env } });
  const out = { stdout: "", stderr: "" };
  living.add(child);
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (out[name] += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [code, signal] = await within(`${program} ends`, once(child, "close"), timeoutMs);
    return { code, signal, ...out };
  } finally {
    living.delete(child);
    child.kill("SIGKILL");
  }
}

export class Daemon {
  constructor(name, child) {
    this.name = name;
    this.child = child;
    this.lines = []; // stderr, the last STDERR_LINES_MAX
    this.exit = null; // {code, signal} once it has ended
    living.add(child);
    child.on("error", (error) => {
      this.lines.push(error.message);
      this.exit ??= { code: null, signal: null };
    });
    child.on("exit", (code, signal) => {
      this.exit = { code, signal };
      living.delete(child);
    });
    this.#collect();
  }

  #collect() {
    let rest = "";
    this.child.stderr.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.lines.push(...lines);
      this.lines.splice(0, this.lines.length - STDERR_LINES_MAX);
    });
  }

  // Starts `command`, which ends with the test `t`.
  static launch(t, name, command, args, { env = {}, stateDir } = {}) {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
    const daemon = new Daemon(name, child);
    daemon.stateDir = stateDir;
    t.after(() => daemon.stop());
    return daemon;
  }

  // The same, and waits for its ready line.
  static async start(t, name, command, args, options) {
    const daemon = Daemon.launch(t, name, command, args, options);
    await daemon.untilReady();
    return daemon;
  }

  get pid() {
    return this.child.pid;
  }

  // The log so far: the lines that are JSON, parsed.
  log() {
    return this.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  async untilReady() {
    const ready = await until(`${this.name} is ready`, () => {
      if (this.exit) throw new Error(`it ended: ${JSON.stringify(this.exit)}\n${this.lines.join("\n")}`);
      return this.log().find((line) => line.msg === "ready");
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.lines.join("\n")}`);
    });
    this.listen = ready.listen;
    this.url = `http://${ready.listen}`;
  }

  // Asks for JSON: {status, headers, body}; body is text when it is not JSON. Each request
  // has a connection of its own, so that descriptors can be counted.
  async request(method, urlPath, body, headers = {}) {
    const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const request = http.request(this.url + urlPath, {
      method,
      headers: sent === undefined ? headers : { "content-type": "application/json", "content-length": Buffer.byteLength(sent), ...headers },
      agent: false,
      signal: AbortSignal.timeout(60000),
    });
    request.end(sent);
    const [answer] = await once(request, "response");
    const text = (await answer.setEncoding("utf8").toArray()).join("");
    const isJson = answer.headers["content-type"]?.startsWith("application/json");
    return { status: answer.statusCode, headers: new Headers(answer.headers), body: isJson ? JSON.parse(text) : text };
  }

  get(urlPath, headers) {
    return this.request("GET", urlPath, undefined, headers);
  }

  post(urlPath, body, headers) {
    return this.request("POST", urlPath, body, headers);
  }

  delete(urlPath, headers) {
    return this.request("DELETE", urlPath, undefined, headers);
  }

  // The answer's stream itself; see sse.js. `signal` aborts the request.
  stream(method, urlPath, body, { headers = {}, signal } = {}) {
    return fetch(this.url + urlPath, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  }

  // The value of one metric without labels, or the sum over its labels.
  async metric(name) {
    const { body } = await this.get("/metrics");
    const lines = body.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    if (lines.length === 0) throw new Error(`there is no metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  fds() {
    return fdCount(this.pid);
  }

  rssKb() {
    return rssKb(this.pid);
  }

  signal(name) {
    this.child.kill(name);
  }

  // Kills it, as a crash would, and waits until it is gone.
  async crash() {
    this.isCrashed = true;
    this.signal("SIGKILL");
    await until(`${this.name} is gone`, () => this.exit);
  }

  // Asks it to end and insists that it does so cleanly: in time, with exit code 0 and
  // nothing from a sanitizer.
  async stop() {
    if (!this.exit) {
      this.signal("SIGCONT");
      this.signal("SIGTERM");
      try {
        await until(`${this.name} ends after SIGTERM`, () => this.exit, 20000);
      } catch (error) {
        this.signal("SIGKILL");
        throw error;
      }
    }
    const complaint = this.lines.findIndex((line) => SANITIZER.test(line));
    if (complaint >= 0) throw new Error(`${this.name}: ${this.lines.slice(complaint, complaint + 40).join("\n")}`);
    if (!this.isCrashed && this.exit.code !== 0) {
      throw new Error(`${this.name} ended with ${JSON.stringify(this.exit)}\n${this.lines.slice(-20).join("\n")}`);
    }
  }
}
