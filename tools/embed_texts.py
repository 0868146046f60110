#!/usr/bin/env python3
"""Makes a C table of text files:  tools/embed_texts.py NAME OUT DEPFILE PATH...

A PATH is a file, or a folder, of which every file that is not hidden is taken, in the order
of their names. OUT defines `const struct embedded_text NAME[]`, which a row without a name
ends; whoever uses it declares the struct, {const char *name, *text; size_t len;}. DEPFILE
tells the build what to watch, folders included, so that a new file is found.
"""
import os
import sys


def literal(line):
    escaped = "".join(
        chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in line)
    return f'      "{escaped}"\n'


def files_of(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for name in sorted(os.listdir(path)):
            if not name.startswith(".") and os.path.isfile(os.path.join(path, name)):
                yield os.path.join(path, name)


def main(name, target, depfile, *paths):
    files = list(files_of(paths))
    with open(target, "w", encoding="ascii") as out:
        out.write("#include <stddef.h>\n\n")
        out.write("struct embedded_text {\n    const char *name, *text;\n    size_t len;\n};\n\n")
        out.write(f"extern const struct embedded_text {name}[];\n")
        out.write(f"const struct embedded_text {name}[] = {{\n")
        for path in files:
            with open(path, "rb") as file:
                text = file.read()
            out.write(f'    {{ "{os.path.basename(path)}",\n')
            out.writelines(map(literal, text.splitlines(keepends=True) or [b""]))
            out.write(f"      , {len(text)} }},\n")
        out.write("    { NULL, NULL, 0 },\n};\n")
    watched = [path for path in paths if os.path.isdir(path)] + files
    with open(depfile, "w", encoding="utf-8") as out:
        out.write(f"{target}: {' '.join(path.replace(' ', chr(92) + ' ') for path in watched)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
