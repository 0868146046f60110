// `rbee policy`: written, tried, deployed and explained from the command line.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { run, temporaryFolder } from "./lib/daemon.js";
import { context, idle, toIdle } from "./lib/policy.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const bad = "function schedule(context)\n  local worker = = 3\nend\n";
const rules = `scheduler:
  name: home-rules
  rules:
    - name: any
      condition: always
      action:
        dispatch: { worker_selection: least_loaded }
`;
const perJob = "function schedule_job(job, pools, workers) return workers.with_model(job.model).idle().first() end\n";
const infer = { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 2 };

// rbee beside a queen, in a folder for files: {rbee(...args), file(name, text), queen, fake}.
async function keeper(t, { knobs = {}, slots = 1, options = {} } = {}) {
  const folder = temporaryFolder(t);
  const fake = await startFake(t, { knobs: { slots, ...knobs } });
  const queen = await startQueen(t, { worker: asStatic(fake, { slots }), ...options });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen, ...commands(folder, queen.url) };
}

function commands(folder, url) {
  const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, RBEE_QUEEN_URL: url, TZ: "UTC" };
  const rbee = (args, options = {}) => run("rbee", args, { ...options, env });
  const file = (name, text) => {
    const where = path.join(folder, name);
    writeFileSync(where, text);
    return where;
  };
  const ok = async (args, options) => {
    const ended = await rbee(args, options);
    assert.equal(ended.code, 0, `${args}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  return { rbee, ok, file };
}

test("validate tells what is wrong as a compiler would, and exits with 1", async (t) => {
  const { rbee, ok, file } = await keeper(t);
  assert.match(await ok(["policy", "validate", file("home.lua", toIdle)]), /home\.lua: valid in 64 generated and \d+ recent real states; called \d+ times: /);

  const lua = await rbee(["policy", "validate", file("bad.lua", bad)]);
  assert.equal(lua.code, 1);
  assert.equal(lua.stdout, "");
  assert.match(lua.stderr, /^\S+bad\.lua:2(:\d+)?: error: .*\n +2 \| {3}local worker = = 3\n/);

  const yaml = await rbee(["policy", "validate", file("bad.yaml", rules.replace("always", "allways"))]);
  assert.equal(yaml.code, 1);
  assert.match(yaml.stderr, /bad\.yaml:5:18: error: .*always.*\n +5 \| {7}condition: allways\n {6}\| {18}\^\n/);

  const json = await rbee(["policy", "validate", "--json", file("bad.lua", bad)]);
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.stdout).valid, false);
  assert.equal(json.stderr, "");

  const stdin = await rbee(["policy", "validate", "-", "--language", "lua"], { input: bad });
  assert.equal(stdin.code, 1);
  assert.match(stdin.stderr, /^<stdin>:2/);
});

test("files that are no policy are refused with the reason", async (t) => {
  const { rbee, file } = await keeper(t);
  const cases = [
    ["no-such-file.lua", 1, /no-such-file\.lua/],
    [file("policy.txt", toIdle), 2, /--language/],
    [file("latin1.lua", Buffer.from("x = 1\n-- caf\xe9\n", "latin1")), 1, /latin1\.lua:2: .*UTF-8/],
    [file("empty.lua", ""), 1, /empty\.lua: error: /],
    [file("long.lua", `--${"x".repeat(300 * 1024)}\n${toIdle}`), 1, /long\.lua: error: /],
    [file("huge.lua", "-".repeat(5 * 1024 * 1024)), 1, /huge\.lua/],
  ];
  for (const [name, code, words] of cases) {
    const ended = await rbee(["policy", "validate", name]);
    assert.equal(ended.code, code, `${name}: ${ended.stderr}`);
    assert.match(ended.stderr, words);
    assert.ok(ended.stderr.length < 2000, `${name}: ${ended.stderr.length} bytes`);
  }
});

test("compile prints Lua, and the author's lines with --line-map", async (t) => {
  const { rbee, ok, file } = await keeper(t);
  const yaml = file("rules.yaml", rules);
  const lua = await ok(["policy", "compile", yaml]);
  assert.match(lua, /^function schedule\(context\)$/m);
  const mapped = (await ok(["policy", "compile", "--line-map", yaml])).split("\n");
  assert.deepEqual(mapped.filter(Boolean).map((line) => line.slice(8)).join("\n"), lua.trimEnd());
  assert.ok(mapped.some((line) => /^ +\d+ \| /.test(line)));
  const wrong = await rbee(["policy", "compile", file("bad.yaml", "rules: [\n")]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /bad\.yaml:\d/);
  assert.equal(wrong.stdout, "");
});

test("simulate shows decision, log and time; a policy that fails is exit code 1", async (t) => {
  const { rbee, ok, file } = await keeper(t);
  const state = ["--context", file("state.json", JSON.stringify(context({ workers: [idle("w7")] })))];
  const talking = file("talking.lua", toIdle.replace("local job", 'log.info("hello") local job'));
  assert.match(await ok(["policy", "simulate", talking, ...state]), /^call 1: dispatch to w7 \(\d+ µs\)\n {2}log: info hello\n$/);
  assert.match(await ok(["policy", "simulate", talking, ...state, "--calls", "3"]), /call 3: .*\n.*\n3 calls, 0 failed\n$/);
  assert.match(await ok(["policy", "simulate", "--policy", "platform", ...state]), /dispatch to w7/);

  const failing = await rbee(["policy", "simulate", file("f.lua", "function schedule(c)\n  error('no')\nend"), ...state]);
  assert.equal(failing.code, 1);
  assert.match(failing.stdout, /failed: error, line 2: /);
  assert.equal(JSON.parse((await rbee(["policy", "simulate", "--json", talking, ...state])).stdout).calls[0].decision.worker_id, "w7");

  const wrong = await rbee(["policy", "simulate", talking, "--context", file("wrong.json", '{"queue":[}')]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /wrong\.json: line 1 column 11/);
});

test("a policy is deployed, listed, compared, shown and rolled back", async (t) => {
  const { rbee, ok, file } = await keeper(t);
  const home = file("home.lua", toIdle);
  assert.equal(await ok(["policy", "deploy", home, "--message", "the first"]), "home@1 active\n");
  const second = file("other.lua", toIdle.replace("idle()", "ready()"));
  const kept = await rbee(["policy", "deploy", second, "--name", "home", "--no-activate"]);
  assert.equal(kept.stdout, "home@2 kept\n");
  assert.match(kept.stderr, /rbee policy rollback home 2/);
  const list = await ok(["policy", "list"]);
  assert.match(list, /^platform +1 +lua +no +built in +\S/m);
  assert.match(list, /^home +2 +lua +version 1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/m);
  assert.match(await ok(["policy", "list", "home"]), /^home +1 +lua +yes +\S+ \S+ +the first$/m);
  assert.equal(await ok(["policy", "show", "home@1"]), toIdle);
  assert.match(await ok(["policy", "show", "platform"]), /function schedule/);

  const diff = await ok(["policy", "diff", "home@1", "home@2"]);
  assert.match(diff, /^--- home@1\n\+\+\+ home@2\n@@ -1,5 \+1,5 @@\n/);
  assert.match(diff, /\n-.*idle\(\).*\n\+.*ready\(\)/);
  assert.equal(await ok(["policy", "diff", "home", second]), "");
  assert.equal(await ok(["policy", "diff", "home@1", "-"], { input: toIdle }), "");

  assert.equal(await ok(["policy", "rollback", "home", "2"]), "home@2 active\n");
  assert.equal(await ok(["policy", "rollback", "home"]), "home@1 active\n");
  assert.match((await rbee(["policy", "rollback", "home"])).stderr, /rollback platform/);
  assert.equal(await ok(["policy", "rollback", "platform"]), "platform@1 active\n");
  assert.equal(await ok(["policy", "rollback", "home"]), "home@2 active\n");
  assert.equal(await ok(["policy", "rollback", "home@1"]), "home@1 active\n");
  assert.match((await rbee(["policy", "delete", "home"])).stderr, /version 1 of 'home' decides now/);
  assert.match(await ok(["policy", "list"]), /^platform +1 +lua +no/m);

  assert.equal(await ok(["policy", "delete", "home", "2"]), "");
  assert.doesNotMatch(await ok(["policy", "list", "home"]), /^home +2/m);

  const refused = await rbee(["policy", "deploy", file("home.lua", bad)]);
  assert.equal(refused.code, 1);
  assert.equal(refused.stdout, "");
  assert.match(refused.stderr, /home\.lua:2.*error/);
  for (const args of [["show", "nobody"], ["show", "simple"], ["rollback", "home", "9"], ["rollback", "nobody"], ["diff", "home@9", "home"], ["templates", "nobody"]]) {
    const ended = await rbee(["policy", ...args]);
    assert.equal(ended.code, 1, `${args}: ${ended.stderr}`);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^rbee: /);
  }
});

test("templates are listed, printed, and valid as they are", async (t) => {
  const { ok, file } = await keeper(t);
  const [, ...rows] = (await ok(["policy", "templates"])).trimEnd().split("\n");
  const names = rows.map((row) => row.split(" ", 1)[0]);
  assert.ok(names.includes("platform.lua"));
  const text = await ok(["policy", "templates", names.at(-1)]);
  assert.match(await ok(["policy", "validate", file(names.at(-1), text)]), /: valid/);
});

test("in platform mode nothing can be deployed, and the reason is said", async (t) => {
  const { rbee, file } = await keeper(t, { options: { mode: "platform" } });
  const ended = await rbee(["policy", "deploy", file("home.lua", toIdle)]);
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /platform mode.*platform_scheduler_immutable/);
});

test("decisions are listed and shown whole; explain says why a job went there", async (t) => {
  const { rbee, ok, file, queen } = await keeper(t);
  await ok(["policy", "deploy", file("home.lua", perJob)]);
  const { body } = await queen.post("/v1/jobs", infer);
  await until("it has ended", async () => (await queen.get(`/v1/jobs/${body.job_id}`)).body.status === "done");

  const list = await ok(["policy", "decisions", "--job", body.job_id]);
  const [, id, worker] = /^(\d+) .* home@1 +dispatch +(\S+) +\d+$/m.exec(list);
  const one = await ok(["policy", "decisions", id]);
  assert.match(one, new RegExp(`^Decision ${id}, .*\n  job +${body.job_id}\n  policy +home@1\n  decision  dispatch to ${worker}\n`));
  assert.match(one, /outcome +done on /);
  assert.match(one, /^\S+ +ok .*<- chosen$/m);
  assert.equal(JSON.parse(await ok(["policy", "decisions", "--json", id])).context.workers.length, 1);

  const why = await ok(["policy", "explain", body.job_id]);
  assert.match(why, new RegExp(`It went to ${worker} because home@1 chose it \\(decision ${id}\\)`));
  assert.match(why, new RegExp(`${worker} was taken`));
  for (const args of [["decisions", "99999"], ["explain", "job-nobody"], ["explain", body.job_id, "--worker", "nobody"]]) {
    assert.equal((await rbee(["policy", ...args])).code, 1, args.join(" "));
  }
});

test("explain and status say who waits, where, and for whom", async (t) => {
  const { fake, ok, queen } = await keeper(t, { knobs: { hang: "first_token" } });
  assert.match(await ok(["status"]), /Queue: nobody waits\n$/);
  await queen.post("/v1/jobs", infer);
  await until("the first runs", async () => (await fake.state()).active === 1);
  const jobs = [];
  for (let i = 0; i < 2; i++) jobs.push((await queen.post("/v1/jobs", infer)).body.job_id);

  const status = await ok(["status"]);
  assert.match(status, /policy platform: 1 running, 2 waiting/);
  const [first, second] = status.split("\n").filter((line) => line.includes("job-"));
  assert.match(first, new RegExp(`^1 +${jobs[0]} +fake-7b .* \\S+ m?s$`));
  assert.match(second, new RegExp(`^2 +${jobs[1]} `));
  assert.deepEqual(JSON.parse(await ok(["status", "--json"])).waiting.map((one) => one.position).sort(), [1, 2]);

  const why = await ok(["policy", "explain", jobs[1]]);
  assert.match(why, /is waiting: position 2 of those for model fake-7b/);
  assert.match(why, /No worker of model fake-7b has room for it:\n {2}\S+: no_room, busy \(1 of 1 slots\)\n/);
  const [{ worker_id: worker }] = JSON.parse(await ok(["policy", "explain", "--json", jobs[1]])).candidates;
  assert.match(await ok(["policy", "explain", jobs[1], "--worker", worker]), new RegExp(`  ${worker}: no_room`));

  const chat = new AbortController();
  const left = queen.stream("POST", "/v1/chat/completions", { model: "fake-7b", messages: [{ role: "user", content: "hi" }] }, { signal: chat.signal }).catch(() => "left");
  const three = await until("a request of the OpenAI routes waits, too", async () => {
    const { waiting } = JSON.parse(await ok(["status", "--json"]));
    return waiting.length === 3 && waiting;
  });
  assert.deepEqual(three.map((one) => one.position), [1, 2, 3]);
  assert.match(await ok(["status"]), new RegExp(`^3 +${three[2].job_id} +fake-7b `, "m"));
  assert.match(await ok(["policy", "explain", three[2].job_id]), /is waiting: position 3 of those for model fake-7b/);
  chat.abort();
  await left;
  await fake.set({ hang: "none" });
  for (const job of jobs) await queen.delete(`/v1/jobs/${job}`);
});

test("wrong use is exit code 2 everywhere, before anybody is asked", async (t) => {
  const { rbee, file } = commands(temporaryFolder(t), "http://127.0.0.1:1");
  const home = file("home.lua", toIdle);
  const wrong = [
    ["policy"], ["policy", "fly"], ["policy", "validate"], ["policy", "validate", home, home], ["policy", "list", "a", "b"],
    ["policy", "validate", home, "--language", "cobol"], ["policy", "validate", home, "--queen-url", "nonsense"],
    ["policy", "simulate", home], ["policy", "simulate", "--context", home], ["policy", "simulate", home, "--policy", "home", "--context", home],
    ["policy", "simulate", home, "--context", home, "--calls", "0"],
    ["policy", "deploy", home, "--name", "a b"], ["policy", "deploy", home, "--name", "home@3"], ["policy", "deploy", "-", "--language", "lua"],
    ["policy", "rollback", "home", "two"], ["policy", "rollback", "home@2", "2"], ["policy", "show", "home@0"], ["policy", "show", "../x"],
    ["policy", "diff", "home"], ["policy", "decisions", "job-1"], ["policy", "decisions", "--limit", "0"], ["policy", "explain"], ["policy", "explain", "j".repeat(5000)],
    ["infer", "--queen-url", "nonsense", "hi"], ["infer"], ["worker", "get"], ["worker", "stop"], ["worker", "get", "a", "b"],
    ["worker", "list", "a"], ["status", "--queen-url", "ftp://x"], ["logs"], ["logs", "../queen"], ["completion"], ["queen", "stop", "now"],
  ];
  for (const args of wrong) {
    const ended = await rbee(args);
    assert.equal(ended.code, 2, `${args.join(" ")}: ${ended.code} ${ended.stdout}${ended.stderr}`);
    assert.equal(ended.stdout, "");
    assert.ok(ended.stderr.length > 0);
  }
  assert.equal((await rbee(["policy", "list"])).code, 3);
});

test("an answer that is none is exit code 1, not the user's mistake", async (t) => {
  let answer;
  const nonsense = http.createServer((request, response) => {
    request.resume();
    response.writeHead(answer.status ?? 200, { "content-type": "application/json" }).end(answer.body);
  });
  nonsense.listen(0, "127.0.0.1");
  await once(nonsense, "listening");
  t.after(() => nonsense.close());
  const { rbee, file } = commands(temporaryFolder(t), `http://127.0.0.1:${nonsense.address().port}`);
  const home = file("home.lua", toIdle);
  for (answer of [{ body: "" }, { body: "[]" }, { body: '{"valid":' }, { body: "not found", status: 404 }, { body: '{"error":7}', status: 500 }]) {
    for (const args of [["policy", "validate", home], ["policy", "list"], ["policy", "show", "home"], ["policy", "decisions"], ["policy", "explain", "job-1"], ["status"]]) {
      const ended = await rbee(args);
      assert.equal(ended.code, 1, `${args.join(" ")} ${JSON.stringify(answer)}: ${ended.code} ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, /^rbee: /);
    }
  }
});

test("help, man page and completion know the commands", async (t) => {
  const { ok } = commands(temporaryFolder(t), "http://127.0.0.1:1");
  assert.match(await ok(["policy", "--help"]), /^ {2}explain +\S/m);
  assert.match(await ok(["policy", "deploy", "--help"]), /--no-activate/);
  assert.match(await ok(["man"]), /rbee policy rollback/);
  for (const shell of ["bash", "zsh", "fish"]) assert.match(await ok(["completion", shell]), /no-activate/);
});
