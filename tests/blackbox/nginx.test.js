// nginx in front of the queen, as it comes: tokens pass one by one, and a client that
// leaves is noticed through it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { Daemon, temporaryFolder } from "./lib/daemon.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((file) => existsSync(file));
const skip = nginx ? false : "nginx is not installed";

const config = (folder, upstream, version) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  server {
    listen unix:${folder}/sock;
    location / { proxy_pass ${upstream}; ${version === "1.0" ? "" : `proxy_http_version ${version};`} }
  }
}`;

async function startNginx(t, queen, version) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, "logs"));
  writeFileSync(path.join(folder, "nginx.conf"), config(folder, queen.url, version));
  const args = ["-p", folder, "-e", "stderr", "-c", path.join(folder, "nginx.conf")];
  assert.equal(spawnSync(nginx, ["-t", ...args]).status, 0, "its configuration is right");
  const child = Daemon.launch(t, "nginx", nginx, args);
  await until("nginx listens", () => existsSync(path.join(folder, "sock")));
  return { child, socketPath: path.join(folder, "sock") };
}

for (const version of ["1.0", "1.1"]) {
  test(`through nginx, speaking HTTP/${version} to the queen, each token comes when it is made`, { skip }, async (t) => {
    const fake = await startFake(t, { knobs: { hang: "mid", hang_after: 2 } });
    const queen = await startQueen(t, { worker: asStatic(fake) });
    await queen.untilReadyFor("fake-7b");
    const { socketPath } = await startNginx(t, queen, version);

    const body = JSON.stringify({ model: "fake-7b", stream: true, max_tokens: 4, messages: [{ role: "user", content: "hi" }] });
    const request = http.request({ socketPath, method: "POST", path: "/v1/chat/completions", headers: { "content-type": "application/json", "content-length": body.length } });
    request.on("error", () => {});
    request.end(body);
    const [answer] = await once(request, "response");
    let text = "";
    answer.setEncoding("utf8").on("data", (piece) => (text += piece)).on("error", () => {});
    // The worker says nothing after its second token, so nothing pushes these two on.
    await until("both tokens", () => text.includes('"w0"') && text.includes('" w1"'));

    request.destroy();
    await until("the worker is free", async () => (await fake.state()).active === 0);
    assert.equal((await fake.state()).aborted, 1);
  });
}
