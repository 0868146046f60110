#!/usr/bin/env bash
#
# Every test there is: unit tests, fuzz corpora and source checks in the sanitised
# build (build-asan), then the black-box suite against the sanitised and against
# the release programs (build). Installs what is missing first. The last line is
# "N passed, N failed", with ", N skipped" behind it when there were any; the exit
# code is 0 only when something was tested and nothing failed.
#
#   tools/test.sh                      all
#   tools/test.sh tests/blackbox/X.js  these black-box files only
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export ASAN_OPTIONS=handle_segv=2:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

fail() { echo "test: $*" >&2; echo "0 passed, 1 failed"; exit 1; }

configure() {
    [[ -f $1/build.ninja ]] || meson setup "$@"
}

blackbox() {
    local build=$1
    shift
    echo "== black box, $build"
    RBEE_BUILD=$build tools/node --test --test-timeout=120000 --test-concurrency="$(nproc)" \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$results/blackbox-$build.tap" "$@"
}

tools/setup.sh build engine tests || fail "the set-up failed"
configure build-asan -Dtests=true -Db_sanitize=address,undefined -Dbuildtype=debugoptimized \
    --werror || fail "the sanitised build cannot be configured"
configure build --buildtype=release -Db_lto=true || fail "the release build cannot be configured"
ninja -C build-asan || fail "the sanitised build failed"
ninja -C build || fail "the release build failed"

results="build-asan/results"
rm -rf $results && mkdir -p $results

logs=("$results/blackbox-build-asan.tap" "$results/blackbox-build.tap")
if [[ $# == 0 ]]; then
    rm -f build-asan/meson-logs/testlog.json
    logs+=(build-asan/meson-logs/testlog.json)
    meson test -C build-asan --no-rebuild --print-errorlogs
    set -- tests/blackbox/*.test.js
fi
blackbox build-asan "$@"
blackbox build "$@"
exec python3 tools/test_summary.py "${logs[@]}"
