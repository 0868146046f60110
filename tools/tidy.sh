#!/usr/bin/env bash
#
# clang-tidy over our C sources (or those named), with the commands of a build
# that has the tests in it. Findings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -f build-tidy/build.ninja ]] || CC=clang meson setup build-tidy -Dtests=true
if [[ $# == 0 ]]; then
    mapfile -t sources < <(git ls-files 'src/*.c' 'fuzz/*.c')
    set -- "${sources[@]}"
fi
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy -p build-tidy --quiet --warnings-as-errors='*'
