#!/usr/bin/env bash
#
# Runs every fuzz target (or those named) under libFuzzer for FUZZ_SECONDS each
# (60), starting from fuzz/corpus/NAME. New inputs go to build-fuzz/corpus/NAME; a
# crash is written to build-fuzz/crash-NAME-* and ends the run with an error.
# To keep an input for `make test`, copy it into fuzz/corpus/NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh build fuzz
[[ -f build-fuzz/build.ninja ]] ||
    CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined \
        -Dbuildtype=debugoptimized
ninja -C build-fuzz

if [[ $# == 0 ]]; then
    for folder in fuzz/corpus/*/; do set -- "$@" "$(basename "$folder")"; done
fi
for name in "$@"; do
    echo "== $name"
    mkdir -p "build-fuzz/corpus/$name"
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "build-fuzz/fuzz/fuzz_$name" \
        -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/crash-$name-" "build-fuzz/corpus/$name" "fuzz/corpus/$name"
done
