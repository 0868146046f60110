// The wire formats of a worker: rbee's own events, OpenAI's chunks and whole answers,
// and answers that no worker should give.

export const tokenText = (i, bytes = 0) => `${i ? " " : ""}w${i}`.padEnd(bytes, "x");

const event = (name, id, data) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (value) => `data: ${JSON.stringify(value)}\n\n`;

// Each format turns the steps of a generation into the bytes of a stream.
export const nativeFormat = (run) => {
  let id = 0;
  return {
    begin: () =>
      event("started", ++id, {
        type: "started",
        job_id: run.id,
        model: run.model,
        worker_id: run.workerId,
        attempt: 1,
        seed: run.body.seed ?? 1,
        started_at: new Date().toISOString(),
      }),
    token: (i, text) => event("token", ++id, { type: "token", t: text, i }),
    end: (tokens) =>
      event("end", ++id, { type: "end", tokens_out: tokens, decode_time_ms: 1, stop_reason: "MAX_TOKENS" }),
    cancelled: () =>
      event("error", ++id, { type: "error", code: "CANCELLED", message: "cancelled", retriable: false }) +
      "data: [CANCELLED]\n\n",
    done: () => "data: [DONE]\n\n",
  };
};

export const chatFormat = (run) => {
  const chunk = (delta, finish) => ({
    id: run.id,
    object: "chat.completion.chunk",
    created: 1700000000,
    model: run.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  return {
    begin: () => data(chunk({ role: "assistant", content: "" }, null)),
    token: (i, text) => data(chunk({ content: text }, null)),
    end: (tokens) =>
      data(chunk({}, "length")) +
      (run.body.stream_options?.include_usage
        ? data({ ...chunk({}, null), choices: [], usage: usage(run, tokens) })
        : ""),
    cancelled: () => "",
    done: () => "data: [DONE]\n\n",
  };
};

export const textFormat = (run) => {
  const chunk = (text, finish) => ({
    id: run.id,
    object: "text_completion",
    created: 1700000000,
    model: run.model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  });
  return {
    begin: () => "",
    token: (i, text) => data(chunk(text, null)),
    end: (tokens) =>
      data(chunk("", "length")) +
      (run.body.stream_options?.include_usage
        ? data({ ...chunk("", null), choices: [], usage: usage(run, tokens) })
        : ""),
    cancelled: () => "",
    done: () => "data: [DONE]\n\n",
  };
};

const usage = (run, tokens) => ({
  prompt_tokens: run.promptTokens,
  completion_tokens: tokens,
  total_tokens: run.promptTokens + tokens,
});

export const wholeAnswer = (run, text, tokens) => {
  const isChat = run.route === "chat";
  const choice = isChat ? { message: { role: "assistant", content: text } } : { text };
  return {
    id: run.id,
    object: isChat ? "chat.completion" : "text_completion",
    created: 1700000000,
    model: run.model,
    choices: [{ index: 0, ...choice, logprobs: null, finish_reason: "length" }],
    usage: usage(run, tokens),
  };
};

export const embeddings = (model, input) => {
  const inputs = Array.isArray(input) ? input : [input];
  return {
    object: "list",
    model,
    data: inputs.map((text, index) => ({
      object: "embedding",
      index,
      embedding: Array.from({ length: 8 }, (_, i) => Math.sin(String(text).length + i)),
    })),
    usage: { prompt_tokens: inputs.length, total_tokens: inputs.length },
  };
};

export const errorBody = (status, message, code) => ({
  error: { message, type: status < 500 ? "invalid_request_error" : "server_error", param: null, code },
});

const sseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const json = (body) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

// Written to the socket as it stands; the connection is closed after it.
export const garbage = {
  not_http: "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
  empty: "",
  huge_header: `HTTP/1.1 200 OK\r\nX-Big: ${"x".repeat(1 << 20)}\r\nContent-Length: 0\r\n\r\n`,
  many_headers: `HTTP/1.1 200 OK\r\n${"X-Many: 1\r\n".repeat(5000)}Content-Length: 0\r\n\r\n`,
  bad_status: "HTTP/1.1 2000 Very\r\nContent-Length: 0\r\n\r\n",
  two_lengths: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
  bad_chunk: `${sseHead}zz\r\nhello\r\n`,
  not_json: json("<html>It works!</html>"),
  json_cut: json('{"id":"x","choices":[{"index":0'),
  not_sse: `${sseHead}1c\r\n{"this":"is not a stream"}\r\n\r\n0\r\n\r\n`,
  event_without_end: `${sseHead}10\r\ndata: {"id":"x"\r\n\r\n0\r\n\r\n`,
};
