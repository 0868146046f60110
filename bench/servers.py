"""Processes on loopback, each pinned to a core, and the load that is put on them."""
import json
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build-bench" / "bench"
PROXY_CORE, LOAD_CORE = 0, 1
DEADLINE_S = 20
WORKER_SLOTS_MAX = 65535


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def wait_for_port(process, port):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"{process.args} does not listen on {port}")


class Server:
    """A child that listens on `port` while the `with` block lasts."""

    def __init__(self, core, port, command):
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(pinned(core, command), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        wait_for_port(self.process, self.port)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def descriptors():
    """How many a process may have; all are made available to the children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(hard, 1 << 20)


def streams_max():
    """Two descriptors a stream, and room for everything else."""
    return (descriptors() - 1000) // 2


def queen(upstream, folder, *options):
    """One queen with one worker that always has room."""
    port = free_port()
    slots = min(streams_max(), WORKER_SLOTS_MAX)
    return Server(PROXY_CORE, port, [
        ROOT / "build" / "queen-rbee", "--listen", f"127.0.0.1:{port}", "--state-dir", folder,
        "--log-level", "error", "--worker",
        f"http://{upstream},model=fake-7b,slots={slots},kind=openai", *options])


def load(proxy, *flags):
    command = [TOOLS / "sseload", "-a", proxy.address, "-q", *flags]
    if proxy.process:
        command += ["-P", proxy.process.pid]
    done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"sseload failed: {done.stderr}")
    result = json.loads(done.stdout)
    if result["errors"]:
        print(f"  errors: {result['errors']} ({result['error']}), status {result['status']}",
              file=sys.stderr)
    return result
