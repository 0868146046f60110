// tools/setup.sh on a machine of our making: what this one happens to have is hidden,
// and what would be installed is only written down.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root, temporaryFolder } from "./lib/daemon.js";

const tools = ["bash", "sh", "env", "dirname", "awk", "sort", "tr", "grep", "cmp", "cp", "cat", "uname", "sha256sum", "dpkg"];

// A PATH with `tools` and with stand-ins that log how they were called.
function machine(t, { user = 0, hasSudo = false, installed = "", hasApt = true } = {}) {
  const bin = temporaryFolder(t);
  const log = path.join(bin, "log");
  const stand = (name, body) => writeFileSync(path.join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  for (const tool of tools) symlinkSync(execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim(), path.join(bin, tool));
  writeFileSync(path.join(bin, "packages"), installed);
  stand("dpkg-query", `cat ${bin}/packages`);
  stand("id", `echo ${user}`);
  if (hasApt) stand("apt-get", `echo "apt-get $*" >>${log}`);
  if (hasSudo) stand("sudo", `echo sudo >>${log}; exec "$@"`);
  const setup = (...groups) => {
    const ended = spawnSync(path.join(root, "tools/setup.sh"), groups, { env: { PATH: bin }, encoding: "utf8" });
    return { ...ended, calls: existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [] };
  };
  return setup;
}

// What the script itself says that a build needs, each in the least version that will do.
const build = [...readFileSync(path.join(root, "tools/setup.sh"), "utf8").matchAll(/^build +(\S+) +(\S+)$/gm)]
  .map(([, name, least]) => `${name} ${least === "-" ? "1" : least}`);
const listing = (packages) => packages.map((line) => `ii  ${line}\n`).join("");

test("a bare machine gets its lists once and then all that is missing, in one go", (t) => {
  const { status, calls, stderr } = machine(t)("build");
  assert.equal(status, 0, stderr);
  assert.equal(calls.length, 2);
  assert.ok(build.length > 5);
  assert.match(calls[0], / update$/);
  for (const line of build) assert.ok(calls[1].split(" ").includes(line.split(" ")[0]), calls[1]);
  assert.match(stderr, /installing with apt-get/);
});

test("a machine that has everything is left alone", (t) => {
  const { status, calls, stderr } = machine(t, { installed: listing(build) })("build");
  assert.equal(status, 0, stderr);
  assert.deepEqual(calls, []);
  assert.equal(stderr, "");
});

test("what is too old counts as missing, and nothing else does", (t) => {
  const old = build.map((line) => line.replace(/^meson .*/, "meson 0.56.2-1"));
  const { calls } = machine(t, { installed: listing(old) })("build");
  assert.match(calls[1], /install --no-install-recommends meson$/);
});

test("a user with sudo uses it", (t) => {
  const { status, calls } = machine(t, { user: 1000, hasSudo: true })("build");
  assert.equal(status, 0);
  assert.deepEqual(calls.filter((call) => call === "sudo").length, 2);
});

test("a user without sudo is told what to run as root", (t) => {
  const { status, calls, stderr } = machine(t, { user: 1000 })("build");
  assert.equal(status, 1);
  assert.deepEqual(calls, []);
  assert.match(stderr, /apt-get install .*meson/);
});

test("another system is told what to install", (t) => {
  const { status, stderr } = machine(t, { hasApt: false })("build");
  assert.equal(status, 1);
  assert.match(stderr, /not Debian.*meson/);
});

test("a group that does not exist is an error", (t) => {
  assert.equal(machine(t)("everything").status, 1);
});
