// What the kernel says about a process.
import { readFileSync, readdirSync } from "node:fs";

export const fdCount = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export const rssKb = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

export function isAlive(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
