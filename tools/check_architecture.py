#!/usr/bin/env python3
"""Checks that every file, folder and function that ARCHITECTURE.md names exists.

A path is `src/...` or `tools/...` between backquotes; `path: name()` also wants a
definition or declaration of that function in that file.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAMED = re.compile(r"`((?:src|tools)/[\w./]+)(?::\s+(\w+)\(\))?`")


def defines(path, function):
    with open(path, encoding="utf-8") as source:
        return re.search(r"^[a-z][^\n;]*\b%s\(" % re.escape(function), source.read(), re.M)


def main():
    with open(os.path.join(ROOT, "ARCHITECTURE.md"), encoding="utf-8") as page:
        named = NAMED.findall(page.read())
    faults = []
    for path, function in named:
        full = os.path.join(ROOT, path)
        if not os.path.exists(full):
            faults.append(f"{path}: no such file or folder")
        elif function and not defines(full, function):
            faults.append(f"{path}: no function {function}()")
    for fault in faults:
        print(f"ARCHITECTURE.md: {fault}")
    if not named:
        print("ARCHITECTURE.md names nothing: the pattern is out of date")
    return 1 if faults or not named else 0


if __name__ == "__main__":
    sys.exit(main())
