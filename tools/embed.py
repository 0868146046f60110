#!/usr/bin/env python3
"""Makes a C file of a text file:  tools/embed.py NAME FILE OUT

OUT defines `const char NAME[]`, NUL-terminated, and `const size_t NAME_len`.
"""
import sys


def literal(line):
    escaped = "".join(
        chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in line)
    return f'    "{escaped}"\n'


def main(name, source, target):
    with open(source, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    with open(target, "w", encoding="ascii") as out:
        out.write("#include <stddef.h>\n\n")
        out.write(f"extern const char {name}[];\nextern const size_t {name}_len;\n\n")
        out.write(f"const char {name}[] =\n")
        out.writelines(map(literal, lines or [b""]))
        out.write(f"    ;\nconst size_t {name}_len = sizeof({name}) - 1;\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
