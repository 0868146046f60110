// Server-sent events out of a fetch answer, strictly: what is not an event is an error.

// Yields {id, event, data} for each event and {comment} for each comment line.
export async function* events(response) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const piece of response.body) {
    rest += decoder.decode(piece, { stream: true });
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      yield parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
    }
  }
  if (rest !== "") throw new Error(`the stream ends inside an event: ${JSON.stringify(rest)}`);
}

function parseEvent(block) {
  const event = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a line of an event: ${JSON.stringify(line)}`);
    const key = name || "comment";
    event[key] = event[key] === undefined ? value : `${event[key]}\n${value}`;
  }
  return event;
}

export async function allEvents(response) {
  const list = [];
  for await (const event of events(response)) list.push(event);
  return list;
}

// The parsed data of the events named `name` (any, when absent), without the closing marker.
export const dataOf = (list, name) =>
  list
    .filter((event) => event.data?.startsWith("{") && (name === undefined || event.event === name))
    .map((event) => JSON.parse(event.data));

// The answer's text out of an OpenAI stream or a job's stream.
export const textOf = (list) =>
  dataOf(list)
    .map((data) => data.choices?.[0]?.delta?.content ?? data.choices?.[0]?.text ?? data.t ?? "")
    .join("");
