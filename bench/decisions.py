"""What decisions cost: the programs beside this file, and queens that differ in who decides."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import LOAD_CORE, PROXY_CORE, TOOLS, Server, free_port, load, pinned, queen

# What it measures, its name, how long a row of its takes (seconds, milliseconds, as it is), and
# whether it stays on one core.
PROGRAMS = {
    "sandbox": ("A user policy's decision end to end: the question over the socket, the policy in "
                "its sealed host, the answer back in the loop; all on one core", "sandbox_bench", 2,
                True),
    "cores": ("The same where the kernel places the two processes", "sandbox_bench", 1, False),
    "policy": ("The same inside a policy's state, without sockets and processes", "policy_bench",
               500, True),
    "core": ("The platform policy end to end inside the queen: from a job's arrival in the core to "
             "its dispatch", "core_bench", 500, True),
    "queue": ("One operation on the queue", "queue_bench", None, True),
}

CHAIN = """function schedule_job(job, pools, workers)
  return workers:with_model(job.model_ref):idle():least_loaded()
end
"""
# The same for all jobs that wait, asked once.
QUEUE = """function schedule(context)
  local decisions = {}
  for _, job in ipairs(context.queue) do
    local worker = context.workers:with_model(job.model_ref):idle():least_loaded()
    if worker and #decisions < 64 then
      decisions[#decisions + 1] = { action = "dispatch", job_id = job.id, worker_id = worker.id }
    end
  end
  return decisions
end
"""
WARM_S = 0.5


# --- Programs ----------------------------------------------------------------

def queue_table(lines):
    """One row for each length of the queue, one column for each operation."""
    rows, operations = {}, []
    for got in map(json.loads, lines):
        rows.setdefault((got["jobs"], got["tenants"]), []).append(f"{got['ns']:,.0f}")
        if got["operation"] not in operations:
            operations.append(got["operation"])
    return [["jobs", "tenants", *(f"{name}, ns" for name in operations)],
            *([f"{jobs:,}", f"{tenants:,}", *cells] for (jobs, tenants), cells in rows.items())]


def run_program(name, scale):
    """What it printed, as a list of tables, each a list of rows of cells."""
    _, program, length, is_pinned = PROGRAMS[name]
    argument = "--json" if length is None else str(max(1, round(length * scale)))
    print(f"{name} ({program} {argument})", file=sys.stderr)
    command = [str(TOOLS / program), argument]
    text = subprocess.run(pinned(PROXY_CORE, command) if is_pinned else command,
                          capture_output=True, text=True, check=True).stdout.strip()
    if length is None:
        return [queue_table(text.split("\n"))]
    return [[re.split(r"\s{2,}|(?<=\d) (?=\d)", line.strip()) for line in table.split("\n")]
            for table in text.split("\n\n")]


def program_markdown(name, tables):
    title = PROGRAMS[name][0]
    parts = [f"**{title}**"]
    for head, *rows in tables:
        parts.append("\n".join(["| " + " | ".join(head) + " |", "|---|" + "---|" * (len(head) - 1),
                                *("| " + " | ".join(row) + " |" for row in rows)]))
    return "\n\n".join(parts)


# --- Queens --------------------------------------------------------------------

def schedulers(folder):
    """By name, what a queen is told: a user's policy is a file that she deploys herself."""
    chain, queue = Path(folder) / "chain.lua", Path(folder) / "queue.lua"
    chain.write_text(CHAIN)
    queue.write_text(QUEUE)
    return {"simple": "simple", "platform": "platform", "user, by job": str(chain),
            "user, by queue": str(queue)}


SCHEDULERS = ("simple", "platform", "user, by job", "user, by queue")


def cpu_us(pid):
    """Of a queen and of the policy hosts that she started."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if entry.parent.name == str(pid) or fields[1] == str(pid):
            total += int(fields[11]) + int(fields[12])
    return total * 1000000 / os.sysconf("SC_CLK_TCK")


def run_scheduler(name, scale):
    with tempfile.TemporaryDirectory(prefix="rbee-bench-") as folder:
        port = free_port()
        option = schedulers(folder)[name]
        with Server(LOAD_CORE, port, [TOOLS / "tokserv", "-p", port]) as worker:
            with queen(worker.address, folder, "--scheduler", option) as proxy:
                load(proxy, "-m", "json", "-c", 64, "-d", WARM_S, "-s", 1024)
                before = cpu_us(proxy.process.pid)
                got = load(proxy, "-m", "json", "-c", 64, "-d", 4 * scale, "-s", 1024)
                spent = cpu_us(proxy.process.pid) - before
    return {"requests_per_s": got["rps"], "cpu_us_of_queen": got.get("cpu_us_per_req"),
            "cpu_us_with_hosts": spent / max(1, got["ok"]), "errors": got["errors"]}


def collect_schedulers(runs, scale):
    """Alternating, so that what else the machine does falls on all of them alike."""
    results = {name: [] for name in SCHEDULERS}
    for i in range(runs):
        for name in SCHEDULERS:
            print(f"schedulers {name} {i + 1}/{runs}", file=sys.stderr)
            results[name].append(run_scheduler(name, scale))
    return results


SCHEDULER_ROWS = [
    ("requests_per_s", "requests/s, 1 KB JSON, keep-alive, 64 connections", 0),
    ("cpu_us_of_queen", "CPU µs of the queen per request", 2),
    ("cpu_us_with_hosts", "the same with the policy's host", 2),
]


def schedulers_markdown(medians):
    others = [name for name in SCHEDULERS if name != "simple"]
    titles = [*SCHEDULERS, *(f"{name} ÷ simple" for name in others)]
    lines = ["| | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    for key, text, decimals in SCHEDULER_ROWS:
        values = [f"{medians[name][key]:,.{decimals}f}" for name in SCHEDULERS]
        base = medians["simple"][key] or 1
        ratios = [f"{medians[name][key] / base:.2f}" for name in others]
        lines.append(f"| {text} | " + " | ".join([*values, *ratios]) + " |")
    return "\n".join(lines)
