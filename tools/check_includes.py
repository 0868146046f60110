#!/usr/bin/env python3
"""Checks what no compiler checks: layers, borders, and calls that the style bans.

    tools/check_includes.py            the whole tree
    tools/check_includes.py FILE...    these

Prints "file:line: what is wrong" and exits 1 when there is anything.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What each folder of src/ may include besides itself. The core is pure: it knows
# no loop, no socket and no clock. A program includes everything but programs.
FOUNDATION = ["base", "loop", "http"]
CORE = ["registry", "jobs", "scheduler", "snapshot"]
POLICY = ["script", "rhai", "rules", "policy", "trace", "sandbox", "release"]
EFFECTS = ["daemon", "proxy", "models", "supervisor", "gpu", "engine"]
PROGRAMS = ["queen", "hive", "worker", "keeper", "policyhost"]

LAYERS = {name: set(FOUNDATION[:i]) for i, name in enumerate(FOUNDATION)}
LAYERS.update({name: {"base", *CORE} - {name} for name in CORE})
LAYERS.update({name: {"base", *CORE, *POLICY[:i]} for i, name in enumerate(POLICY)})
LAYERS["sandbox"] |= {"loop"}
LAYERS["release"] |= {"loop"}
LAYERS.update({name: {*FOUNDATION, *CORE, *EFFECTS[:i]} for i, name in enumerate(EFFECTS)})
LAYERS["api"] = {*FOUNDATION, *CORE, *POLICY, *EFFECTS}
LAYERS.update({name: {*LAYERS["api"], "api"} for name in PROGRAMS})

# The one folder that touches each library.
BORDERS = {
    "uv.h": "loop",
    "llhttp.h": "http",
    "llama.h": "engine",
    "ggml": "engine",
    "gguf.h": "engine",
    "lua.h": "policy",
    "lauxlib.h": "policy",
    "lualib.h": "policy",
    "seccomp.h": "policyhost",
    "yaml.h": ("base", "rules"),
    "evp.h": "base",
    "uthash.h": "base",
    "xxhash.h": "base",
}

LUA = ("lua.h", "lauxlib.h", "lualib.h")

BANNED = {
    "sprintf": "snprintf() or buf_printf()",
    "vsprintf": "vsnprintf() or buf_vprintf()",
    "strcpy": "str_copy()",
    "strcat": "buf_puts()",
    "strtok": "str_split()",
    "atoi": "the parsers of base/parse.h",
    "atol": "the parsers of base/parse.h",
    "atof": "the parsers of base/parse.h",
    "gets": "fgets()",
    "system": "the child processes of loop/child.h",
    "popen": "the child processes of loop/child.h",
}
BANNED_IN_CORE = {
    "time", "clock_gettime", "gettimeofday", "getrandom", "rand", "random",
    "socket", "open", "fopen", "read", "write", "getenv",
}
BANNED_IN_TESTS = {"sleep", "usleep", "nanosleep"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
CALL = re.compile(r"(?<![\w.>])([a-z_]+)\s*\(")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root|home)/|\.\./shared\b")
MARK = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
NOT_OURS = re.compile(r"build|vendor$|node_modules$|\.git$|__pycache__$|\.cache$")
LITERAL = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

found = []


def report(path, line, text):
    found.append(f"{path}:{line}: {text}")


def blank(match):
    """Comments and literals become blanks of the same shape, so that lines stay numbered."""
    return re.sub(r"[^\n]", " ", match.group())


def owners(owner):
    return (owner,) if isinstance(owner, str) else owner


def folder_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_include(path, number, ours, theirs, edges):
    folder = folder_of(path)
    if theirs:
        name = theirs.split("/")[-1]
        for header, owner in BORDERS.items():
            if name in LUA and (path.endswith("_test.c") or path.startswith("fuzz/")):
                continue  # what compilers make is run in their tests
            if (name == header or name.startswith(header + "-")
                    or (header == "ggml" and name.startswith("ggml"))) and folder not in owners(owner):
                report(path, number, f"<{theirs}> belongs to src/{' and src/'.join(owners(owner))} alone")
        if name == "jansson.h" and not (path.endswith("_test.c") or path.startswith("fuzz/")):
            report(path, number, "jansson is the tests' oracle only")
        return
    target = ours.split("/")[0]
    if folder is None or "/" not in ours or target == folder:
        if folder and "/" not in ours:
            report(path, number, f'"{ours}": write the path from src/')
        return
    if folder not in LAYERS:
        report(path, number, f"src/{folder}/ has no place in the layers of tools/check_includes.py")
    elif target not in LAYERS[folder]:
        report(path, number, f"src/{folder}/ may not include src/{target}/")
    if folder in CORE and target in CORE:
        edges.setdefault(folder, {}).setdefault(target, f"{path}:{number}")


def check_source(path, text, edges):
    folder = folder_of(path)
    for number, line in enumerate(text.split("\n"), 1):
        include = INCLUDE.match(line)
        if include:
            check_include(path, number, *include.groups(), edges)
    code = LITERAL.sub(blank, text)
    for number, line in enumerate(code.split("\n"), 1):
        if "//" in line:
            report(path, number, "comments are /* */")
        for call in CALL.findall(line):
            if call in BANNED:
                report(path, number, f"{call}(): use {BANNED[call]}")
            if folder in CORE and call in BANNED_IN_CORE and not path.endswith("_test.c"):
                report(path, number, f"{call}(): the core reads no clock, socket or file")
            if path.endswith("_test.c") and call in BANNED_IN_TESTS:
                report(path, number, f"{call}(): tests turn the loop, they do not sleep")


def check_circles(edges):
    def visit(folder, trail):
        if folder in trail:
            circle = " -> ".join([*trail[trail.index(folder):], folder])
            report(*edges[trail[-1]][folder].rsplit(":", 1), f"the core goes in a circle: {circle}")
            return True
        return any(visit(target, [*trail, folder]) for target in edges.get(folder, {}))

    any(visit(folder, []) for folder in CORE)


def check_text(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if MACHINE_PATH.search(line):
            report(path, number, "a path of somebody's machine")
        if MARK.search(line):
            report(path, number, "an unfinished mark")
    if path.endswith("package-lock.json") and '"resolved"' in text:
        report(path, 1, "the lock file names a registry (omit-lockfile-registry-resolved)")


def checked_out():
    """What git tracks, and what it neither tracks nor ignores; None outside of a checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return sorted(name for name in listed.stdout.split("\0") if name)


def tree():
    known = checked_out()
    if known:
        yield from known
        return
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not NOT_OURS.match(name))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def main(paths):
    paths = paths or list(tree())
    edges = {}
    checked = 0
    for path in paths:
        try:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = file.read()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        checked += 1
        check_text(path, text)
        if path.endswith((".c", ".h")) and not path.startswith("bench/"):
            check_source(path, text, edges)
    check_circles(edges)
    for line in found:
        print(line)
    print(f"{checked} files, {len(found)} found")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
