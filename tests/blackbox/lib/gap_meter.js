// Reads a stream on a thread of its own, where nothing else delays it, and tells its gaps.
import http from "node:http";
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { within } from "./wait.js";

// The longest gaps of a stream that goes on while a test does other things.
export class GapMeter {
  // POSTs `body` to `url`; ends with the test `t`.
  static async start(t, url, body) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { url, body } });
    t.after(() => worker.terminate());
    await within("the stream begins", once(worker, "message"));
    return new GapMeter(worker);
  }

  constructor(worker) {
    this.worker = worker;
  }

  // The longest gap in ms since the last lap, the one that is still open included.
  async lap() {
    this.worker.postMessage("lap");
    const [gap] = await within("the stream goes on", once(this.worker, "message"));
    if (typeof gap !== "number") throw new Error(gap);
    return gap;
  }
}

function read({ url, body }) {
  const request = http.request(url, { method: "POST", headers: { "content-type": "application/json" }, agent: false });
  let last, longest;
  let end = "";
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    return now;
  };
  request.on("response", (answer) => {
    if (answer.statusCode !== 200) throw new Error(`the stream's status is ${answer.statusCode}`);
    answer.once("data", () => {
      last = performance.now();
      longest = 0;
      parentPort.postMessage("begun");
      answer.on("data", () => (last = look()));
    });
    answer.on("close", () => (end = "the stream has ended"));
  });
  parentPort.on("message", () => {
    look();
    parentPort.postMessage(end || longest);
    longest = 0;
  });
  request.end(JSON.stringify(body));
}

if (!isMainThread) read(workerData);
