// A bare TCP connection, for requests that no HTTP library would send and for seeing
// exactly how an answer ends.
import net from "node:net";
import { once } from "node:events";
import { until, within } from "./wait.js";

export class RawConnection {
  static async open(url) {
    const { hostname, port } = new URL(url);
    const connection = new RawConnection(net.connect({ host: hostname, port: Number(port), allowHalfOpen: true }));
    await within(`a connection to ${url}`, once(connection.socket, "connect"));
    return connection;
  }

  constructor(socket) {
    this.socket = socket;
    this.received = Buffer.alloc(0);
    this.end = ""; // "fin" or "reset", once the peer has ended
    socket.on("data", (piece) => (this.received = Buffer.concat([this.received, piece])));
    socket.on("end", () => (this.end ||= "fin"));
    socket.on("error", () => (this.end ||= "reset"));
  }

  send(bytes) {
    this.socket.write(bytes);
    return this;
  }

  // "POST /path" with JSON, the way clients do it.
  post(path, body, headers = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const fields = { Host: "localhost", "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text), ...headers };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.send(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`);
  }

  text() {
    return this.received.toString("latin1");
  }

  // Waits until what was received holds `part` (a string or RegExp).
  async until(part) {
    const has = part instanceof RegExp ? () => part.test(this.text()) : () => this.text().includes(part);
    await until(`'${part}' on the connection`, () => has() || (this.end && Promise.reject(new Error(`ended: ${this.end}`))));
    return this;
  }

  // Waits for the peer's end: "fin" or "reset".
  async untilEnd() {
    return until("the end of the connection", () => this.end);
  }

  // Waits for the head of an answer: {status, headers}.
  async head() {
    await this.until("\r\n\r\n");
    const [first, ...lines] = this.text().split("\r\n\r\n", 1)[0].split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => [line.split(":", 1)[0].toLowerCase(), line.replace(/^[^:]*:\s*/, "")]));
    return { status: Number(first.split(" ")[1]), headers };
  }

  halfClose() {
    this.socket.end();
  }

  reset() {
    this.socket.resetAndDestroy();
  }

  close() {
    this.socket.destroy();
  }
}
