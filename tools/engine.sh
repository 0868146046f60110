#!/usr/bin/env bash
#
# llama.cpp v0.5.0 as shared libraries and headers, in vendor/llama:
#
#   tools/engine.sh check   succeeds when what was fetched is there, whole
#   tools/engine.sh fetch   fetches it anew
#
# The libraries come from the npm package that holds them for this processor, the
# headers from the git bundle inside node-llama-cpp, both of one version. Packed
# archives are taken, not installed packages: node-llama-cpp would bring 200
# packages and the CUDA builds, of which nothing is used here. engine.pins holds
# each archive's SHA-256; what was unpacked is recorded in vendor/llama/SHA256SUMS.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.22.1
target=vendor/llama
headers='include/llama.h ggml/include/ggml.h ggml/include/ggml-cpu.h ggml/include/ggml-backend.h
ggml/include/ggml-opt.h ggml/include/ggml-alloc.h ggml/include/gguf.h'

die() { printf 'engine: %s\n' "$*" >&2; exit 1; }

platform() {
    case $(uname -m) in
        x86_64) echo linux-x64 ;;
        aarch64) echo linux-arm64 ;;
        *) die "there are no prebuilt libraries for $(uname -m)" ;;
    esac
}

check() {
    cmp -s tools/engine.pins $target/engine.pins &&
        (cd $target && sha256sum --check --quiet --strict SHA256SUMS >/dev/null 2>&1)
}

fetch() {
    local platform work
    platform=$(platform)
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # the value of now
    trap "rm -rf '$work'" EXIT

    echo "engine: fetching llama.cpp's libraries and headers (npm packages, version $version)" >&2
    cp tools/engine.pins "$work/pins"
    (cd "$work" && npm pack --silent "node-llama-cpp@$version" "@node-llama-cpp/$platform@$version") \
        >/dev/null || die "npm could not fetch node-llama-cpp $version"
    (cd "$work" && sha256sum --check --quiet --ignore-missing pins) ||
        die "an archive is not the one that tools/engine.pins names"

    mkdir -p "$work/new/include" "$work/new/lib" "$work/source.git"
    tar -xzf "$work/node-llama-cpp-$platform-$version.tgz" -C "$work/new/lib" --strip-components=3 \
        --wildcards 'package/bins/*/lib*.so' --exclude='*/libllama-common.so'
    tar -xzf "$work/node-llama-cpp-$version.tgz" -C "$work" package/llama/gitRelease.bundle
    git -C "$work/source.git" init --quiet --bare
    git -C "$work/source.git" fetch --quiet "$work/package/llama/gitRelease.bundle" HEAD
    for path in $headers; do
        git -C "$work/source.git" show "FETCH_HEAD:$path" >"$work/new/include/${path##*/}"
    done
    git -C "$work/source.git" show FETCH_HEAD:LICENSE >"$work/new/LICENSE"
    (cd "$work/new" && find include lib LICENSE -type f | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
    cp tools/engine.pins "$work/new/engine.pins"

    rm -rf $target
    mkdir -p "${target%/*}"
    mv "$work/new" $target
    check || die "$target is not what was unpacked"

    # A build that was configured without the headers has no engine in it.
    for build in build*/meson-private; do
        [[ ! -d $build ]] || meson setup --reconfigure "${build%/*}" >/dev/null
    done
}

case ${1:-} in
    check) check ;;
    fetch) fetch ;;
    *) die "usage: tools/engine.sh check|fetch" ;;
esac
