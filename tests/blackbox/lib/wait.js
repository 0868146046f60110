// Waiting for the world: by looking again, never by a fixed sleep.
import { setTimeout as sleep } from "node:timers/promises";

// Resolves with the first truthy value of `look` (sync or async; a throw counts as
// "not yet"). Rejects after `timeoutMs`, naming `what` and what was seen last.
export async function until(what, look, timeoutMs = 15000) {
  const deadline = Date.now() + timeoutMs;
  let seen;
  for (;;) {
    try {
      seen = await look();
      if (seen) return seen;
    } catch (error) {
      seen = error.message;
    }
    if (Date.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what} (last: ${JSON.stringify(seen)})`);
    }
    await sleep(10);
  }
}

// Rejects when `promise` has not settled after `timeoutMs`.
export async function within(what, promise, timeoutMs = 15000) {
  const stop = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: stop.signal }).then(
    () => {
      throw new Error(`not within ${timeoutMs} ms: ${what}`);
    },
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}
