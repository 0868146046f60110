#!/usr/bin/env python3
"""Adds up what was tested: meson's testlog.json and node's TAP files.

A cmocka program counts by its cases, any other program as one. The last line
printed is "N passed, N failed[, N skipped]". Exit code 0: something passed and
nothing failed.
"""
import json
import re
import sys
from collections import Counter

CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED) +\] (\d+) test\(s\)")
CMOCKA_KEYS = {"PASSED": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
MESON_KEYS = {"OK": "passed", "SKIP": "skipped"}
TAP = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
TAP_KEYS = {"pass": "passed", "fail": "failed", "cancelled": "failed",
            "skipped": "skipped", "todo": "skipped"}


def count_program(test):
    """Cases of one program that meson ran. One that crashed has failed at least once."""
    result = MESON_KEYS.get(test["result"], "failed")
    output = (test.get("stdout") or "") + (test.get("stderr") or "")
    cases = Counter()
    for kind, number in CMOCKA.findall(output):
        cases[CMOCKA_KEYS[kind]] += int(number)
    if not cases:
        cases[result] = 1
    if result == "failed" and not cases["failed"]:
        cases["failed"] = 1
    return cases


def count_tap(path):
    """node's own closing lines; a file without them means that node died."""
    with open(path, encoding="utf-8") as file:
        found = TAP.findall(file.read())
    cases = Counter()
    for kind, number in found:
        cases[TAP_KEYS[kind]] += int(number)
    if not found:
        cases["failed"] = 1
    return cases


def main(paths):
    total = Counter()
    for path in paths:
        try:
            if path.endswith(".tap"):
                total += count_tap(path)
                continue
            with open(path, encoding="utf-8") as log:
                for line in log:
                    total += count_program(json.loads(line))
        except FileNotFoundError:
            print(f"there are no results: {path}")
            total["failed"] += 1
    if total["passed"] == 0:
        total["failed"] = max(1, total["failed"])
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
