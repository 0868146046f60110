#!/usr/bin/env python3
"""What rbee costs on this machine, beside others and beside itself.

    bench/run.py [--runs 5] [--only NAME,...] [--measure NAME,...] [--scale 1.0] [--write]

Proxies (json, paced, flood, ttft, held, prompts, cancel): the same work through HAProxy,
nginx and rbee's queen in turn. Each stands between bench/sseload (the generator, which checks
every byte of every token) and bench/tokserv (the worker). The proxy is pinned to one core,
the other two to the next. Every measurement is repeated, the proxies alternating; medians
and their ratios to HAProxy are printed as Markdown.

Policies (schedulers, sandbox, cores, policy, queue): the first of those measurements again, with
queens that differ in who decides; and what single decisions and operations cost.

--write replaces the sections of docs/benchmarks.md that were measured, between their
markers, and their parts of docs/benchmarks.json.
"""
import argparse
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import decisions
from servers import (LOAD_CORE, PROXY_CORE, ROOT, TOOLS, Server, descriptors, free_port, load, queen,
                     streams_max)


def fill(template, folder, **values):
    values = {**values, "dir": folder, "streams": streams_max(), "descriptors": descriptors()}
    text = (ROOT / "bench" / template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    path = Path(folder) / template
    path.write_text(text)
    return path


def haproxy(upstream, folder):
    port = free_port()
    config = fill("haproxy.cfg", folder, listen=f"127.0.0.1:{port}", upstream=upstream)
    return Server(PROXY_CORE, port, ["haproxy", "-db", "-f", config])


def nginx(upstream, folder):
    port = free_port()
    config = fill("nginx.conf", folder, listen=f"127.0.0.1:{port}", upstream=upstream)
    return Server(PROXY_CORE, port, ["nginx", "-e", "stderr", "-p", folder, "-c", config])


class Direct:
    """No proxy: what is left when everything is subtracted."""
    process = None

    def __init__(self, upstream, _folder):
        self.address = upstream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


PROXIES = {"haproxy": haproxy, "nginx": nginx, "rbee": queen, "direct": Direct}


# --- Measurements: each takes the proxy, the worker and a scale, and gives numbers ---

def measure_json(proxy, _worker, scale):
    got = load(proxy, "-m", "json", "-c", 64, "-d", 4 * scale, "-s", 1024)
    return {"requests_per_s": got["rps"], "cpu_us_per_request": got.get("cpu_us_per_req"),
            "rss_kb": got.get("rss1_kb"), "errors": got["errors"]}


def measure_paced(proxy, _worker, scale):
    got = load(proxy, "-m", "stream", "-c", 1000, "-r", 1, "-R", 1000, "-n", int(200 * scale),
               "-g", 20000)
    return {"cpu_us_per_token": got.get("cpu_s_per_mtok"), "latency_p50_us": got["lat_p50"],
            "latency_p99_us": got["lat_p99"], "errors": got["errors"]}


def measure_flood(proxy, _worker, scale):
    got = load(proxy, "-m", "stream", "-c", 50, "-r", 1, "-n", int(200000 * scale), "-g", 0,
               "-b", 32)
    return {"cpu_us_per_token": got.get("cpu_s_per_mtok"), "tokens_per_s": got["tps"],
            "errors": got["errors"]}


def measure_ttft(proxy, _worker, scale):
    got = load(proxy, "-m", "stream", "-c", 8, "-r", int(200 * scale), "-n", 2, "-g", 20000)
    return {"ttft_p50_us": got["ttft_p50"], "ttft_p99_us": got["ttft_p99"],
            "errors": got["errors"]}


def measure_held(proxy, _worker, scale):
    got = load(proxy, "-m", "hold", "-c", min(8000, streams_max()), "-R", 4000, "-n", 100000,
               "-g", 1000000, "-d", 3 * scale, "-T", 120)
    return {"bytes_per_stream": got.get("rss_per_stream_b"), "rss_idle_kb": got.get("rss0_kb"),
            "rss_held_kb": got.get("rss1_kb"), "streams": got["ok"], "errors": got["errors"]}


def measure_prompts(proxy, _worker, scale):
    """220 KB prompts: 150 streams of 3 s in flight, so at most 50 arrivals a second."""
    got = load(proxy, "-m", "stream", "-c", 150, "-R", 50, "-r", max(2, int(3 * scale)),
               "-n", 150, "-g", 20000, "-B", 220000)
    return {"ttft_p50_us": got["ttft_p50"], "ttft_p99_us": got["ttft_p99"],
            "errors": got["errors"]}


def ask_worker(worker, path):
    with socket.create_connection(("127.0.0.1", worker.port), 5) as sock:
        sock.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])


def cancel_once(address, worker):
    """How long after a client's close the worker sees its own connection closed, in ms."""
    body = json.dumps({"model": "fake-7b", "stream": True, "max_tokens": 100000,
                       "fake_gap_us": 100000, "messages": [{"role": "user", "content": "hi"}]})
    host, port = address.rsplit(":", 1)
    aborted = ask_worker(worker, "/stats")["aborted"]
    with socket.create_connection((host, int(port)), 5) as sock:
        sock.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                      f"{body}").encode())
        seen = b""
        while b"data: {" not in seen:
            seen += sock.recv(65536)
        left_ns = time.monotonic_ns()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        stats = ask_worker(worker, "/stats")
        if stats["aborted"] > aborted:
            return (stats["last_abort_ns"] - left_ns) / 1e6
        time.sleep(0.005)
    return None


def measure_cancel(proxy, worker, scale):
    times = [cancel_once(proxy.address, worker) for _ in range(int(20 * scale) or 1)]
    seen = sorted(t for t in times if t is not None)
    return {"slot_free_p50_ms": statistics.median(seen) if seen else None,
            "slot_free_max_ms": seen[-1] if seen else None, "errors": len(times) - len(seen)}


MEASURES = {"json": measure_json, "paced": measure_paced, "flood": measure_flood,
            "ttft": measure_ttft, "held": measure_held, "prompts": measure_prompts,
            "cancel": measure_cancel}

# What is shown: measurement, number, text, decimals, and whether "direct" is subtracted.
ROWS = [
    ("json", "requests_per_s", "requests/s, 1 KB JSON, keep-alive, 64 connections", 0, False),
    ("json", "cpu_us_per_request", "CPU µs per such request", 2, False),
    ("paced", "cpu_us_per_token", "CPU µs per token, 1,000 streams at 20 ms", 2, False),
    ("paced", "latency_p50_us", "one-way latency of a token, p50 µs", 0, False),
    ("paced", "latency_p99_us", "one-way latency of a token, p99 µs", 0, False),
    ("flood", "cpu_us_per_token", "CPU µs per token, flooded", 3, False),
    ("flood", "tokens_per_s", "tokens/s, flooded", 0, False),
    ("ttft", "ttft_p50_us", "added time to first token, p50 µs", 0, True),
    ("ttft", "ttft_p99_us", "added time to first token, p99 µs", 0, True),
    ("prompts", "ttft_p50_us", "added time to first token, 220 KB prompts, 150 in flight, p50 µs", 0, True),
    ("prompts", "ttft_p99_us", "the same, p99 µs", 0, True),
    ("held", "bytes_per_stream", "resident bytes per open stream", 0, False),
    ("held", "rss_idle_kb", "resident KB, idle", 0, False),
    ("cancel", "slot_free_p50_ms", "client gone → worker told, p50 ms", 2, False),
    ("cancel", "slot_free_max_ms", "client gone → worker told, max ms", 2, False),
]


def run_once(name, measure, scale):
    """A fresh worker and a fresh proxy for each measurement, so that none warms the next."""
    with tempfile.TemporaryDirectory(prefix="rbee-bench-") as folder:
        port = free_port()
        with Server(LOAD_CORE, port, [TOOLS / "tokserv", "-p", port]) as worker:
            with PROXIES[name](worker.address, folder) as proxy:
                return MEASURES[measure](proxy, worker, scale)


def median_of(runs):
    keys = runs[0].keys()
    values = {key: [run[key] for run in runs if run[key] is not None] for key in keys}
    return {key: statistics.median(v) if v else None for key, v in values.items()}


def collect(names, measures, runs, scale):
    results = {measure: {name: [] for name in names} for measure in measures}
    for measure in measures:
        for i in range(runs):
            for name in names:
                print(f"{measure} {name} {i + 1}/{runs}", file=sys.stderr)
                results[measure][name].append(run_once(name, measure, scale))
    return results


def cell(value, decimals):
    return "–" if value is None else f"{value:,.{decimals}f}"


def markdown(medians, names):
    proxies = [name for name in names if name != "direct"]
    titles = [*proxies, *(f"{name} ÷ haproxy" for name in proxies
                          if name != "haproxy" and "haproxy" in proxies)]
    lines = ["| | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    for measure, key, text, decimals, is_added in ROWS:
        if measure not in medians:
            continue
        base = medians[measure].get("direct", {}).get(key) or 0
        values = {name: medians[measure][name].get(key) for name in proxies}
        if is_added:
            values = {name: v if v is None else v - base for name, v in values.items()}
        cells = [cell(values[name], decimals) for name in proxies]
        for name in proxies:
            if name != "haproxy" and "haproxy" in proxies:
                theirs = values["haproxy"]
                cells.append(f"{values[name] / theirs:.2f}" if theirs and values[name] else "–")
        lines.append(f"| {text} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def version_of(command, pattern):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "?"
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else "?"


def machine():
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "haproxy": version_of(["haproxy", "-v"], r"version (\S+)"),
        "nginx": version_of(["nginx", "-v"], r"nginx/(\S+)"),
        "rbee": version_of([ROOT / "build" / "queen-rbee", "--version"], r"(\d+\.\d+\.\d+)"),
    }


def summary(where, runs):
    return (f"Measured {where['date']} on {where['cores']} cores of {where['cpu']} "
            f"(Linux {where['kernel']}, load {where['load_before']:.1f} before), HAProxy "
            f"{where['haproxy']}, nginx {where['nginx']}, rbee {where['rbee']}; medians of "
            f"{runs} alternating runs; proxy on core {PROXY_CORE}, generator and worker on "
            f"core {LOAD_CORE}.")


def write_section(name, text, data):
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    page, numbers = (ROOT / "docs" / f"benchmarks.{kind}" for kind in ("md", "json"))
    before, rest = page.read_text().split(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")
    known = json.loads(numbers.read_text())
    numbers.write_text(json.dumps({**known, name: data}, indent=1) + "\n")


# --- Sections: each measures, and gives its text and its numbers ----------------------

def proxies_section(args, where):
    measures = [name for name in MEASURES if name in args.measure]
    results = collect(args.only, measures, args.runs, args.scale)
    medians = {m: {n: median_of(runs) for n, runs in by_name.items()}
               for m, by_name in results.items()}
    text = summary(where, args.runs) + "\n\n" + markdown(medians, args.only)
    return text, {"runs": args.runs, "medians": medians, "results": results}


def schedulers_section(args, where):
    results = decisions.collect_schedulers(args.runs, args.scale)
    medians = {name: median_of(runs) for name, runs in results.items()}
    text = summary(where, args.runs) + "\n\n" + decisions.schedulers_markdown(medians)
    return text, {"runs": args.runs, "medians": medians, "results": results}


def program_section(name):
    def measure(args, where):
        tables = decisions.run_program(name, args.scale)
        text = (f"Measured {where['date']}, load {where['load_before']:.1f} before.\n\n"
                + decisions.program_markdown(name, tables))
        return text, {"tables": tables}
    return measure


SECTIONS = {"proxies": (list(MEASURES), proxies_section),
            "schedulers": (["schedulers"], schedulers_section),
            **{name: ([name], program_section(name)) for name in decisions.PROGRAMS}}


def main():
    names = [name for measures, _ in SECTIONS.values() for name in measures]
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PROXIES))
    parser.add_argument("--measure", type=lambda text: text.split(","), default=names)
    parser.add_argument("--scale", type=float, default=1.0, help="length of each run")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    unknown = set(args.measure) - set(names)
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}; there are {', '.join(names)}")

    for name, (measures, measure) in SECTIONS.items():
        if not set(measures) & set(args.measure):
            continue
        where = machine()
        text, data = measure(args, where)
        print(text, end="\n\n", flush=True)
        if args.write:
            write_section(name, text, {"machine": where, **data})


if __name__ == "__main__":
    main()
