// What a test can make the fake worker do, and what it counts. Knobs are set with
// POST /_fake {knob: value, ...}; they hold until set again or reset. With `times: n`
// the faults (the second group) hit only the next n requests.

const usual = {
  slots: 4, // how many requests run at once
  full: "refuse", // at `slots`: "refuse" with 503 and Retry-After, or "accept" all the same
  tokens: null, // how many an answer has; null: the request's max_tokens, else 8
  ttft_ms: 0, // before the first token
  gap_ms: 0, // between two tokens
  token_bytes: 0, // pads each token to this many bytes
  health: 200, // status of GET /health
  cancel_on_disconnect: true, // a worker that does not notice a closed connection: false
};

const faults = {
  status: 0, // answer inference with this status and an OpenAI error body
  status_every: 1, // ... only every n-th request
  hang: "", // "head": no answer at all; "first_token": a head, no token; "mid": see hang_after
  hang_after: 1, // "mid": silence after this many tokens
  reset_after: -1, // TCP reset after this many tokens; with 0 before the head
  close_after: -1, // plain end of the connection in mid-answer after this many tokens; with 0 before the head
  no_done: false, // the stream ends well, but without its closing marker
  garbage: "", // one of the keys of `garbage` in answers.js
  times: 0, // > 0: faults hit only so many requests
};

export const counters = () => ({
  started: 0, // requests for inference that got a slot
  completed: 0, // answered to the end
  cancelled: 0, // stopped by DELETE
  aborted: 0, // the peer closed its connection before the end
  refused: 0, // 503: all slots busy
  faulted: 0, // requests that a fault hit
  tokens: 0, // written to a socket
  connections: 0, // accepted, all time
  peak: 0, // most at once
  heartbeats: 0, // accepted by the queen
  heartbeats_refused: 0,
});

export class Knobs {
  constructor() {
    this.reset();
  }

  reset() {
    this.values = { ...usual, ...faults };
    this.requests = 0;
  }

  // Throws on a knob that does not exist: a misspelt fault would test nothing.
  set(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (!(name in this.values)) throw new Error(`there is no knob '${name}'`);
      this.values[name] = value;
    }
  }

  // The knobs as they are for one request, and whether a fault is among them.
  take() {
    const values = this.values;
    this.requests++;
    let isHit = Object.keys(faults).some((name) => name !== "times" && values[name] !== faults[name]);
    if (isHit && values.status && this.requests % values.status_every !== 0) isHit = false;
    if (isHit && values.times > 0 && --values.times === 0) this.values = { ...values, ...faults };
    return isHit ? { ...values, isHit } : { ...values, ...faults, isHit };
  }
}
