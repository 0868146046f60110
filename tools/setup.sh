#!/usr/bin/env bash
#
# Installs what is missing, and only that:  tools/setup.sh GROUP...
#
#   build   compiler, meson and the libraries that the programs link
#   engine  llama.cpp's libraries and headers, into vendor/llama
#   tests   test libraries, Node.js, nginx, and the npm packages of package-lock.json
#   bench   HAProxy and nginx to measure against
#   fuzz, format, tidy   clang's tools
#
# Debian packages come through apt-get, as root or with sudo. A run that finds
# everything in place changes nothing and takes a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."

# Group, Debian package, and the least version that is known to work (- for any).
packages='
build   gcc             4:12
build   libc6-dev       -
build   meson           1.0
build   ninja-build     1.10
build   pkg-config      -
build   libuv1-dev      1.44
build   node-llhttp     8.1
build   libyaml-dev     0.2.5
build   uthash-dev      2.3
build   libxxhash-dev   0.8
build   liblua5.4-dev   5.4.4
build   libseccomp-dev  2.5.4
build   libssl-dev      3.0
engine  git             1:2.30
engine  ca-certificates -
engine  libstdc++6      12
tests   libcmocka-dev   1.1.5
tests   libjansson-dev  2.13
tests   nginx-light     1.22
tests   ca-certificates -
bench   haproxy         2.6
bench   nginx-light     1.22
bench   python3         3.9
fuzz    clang           1:14
fuzz    libclang-rt-14-dev 1:14
fuzz    libcmocka-dev   1.1.5
fuzz    libjansson-dev  2.13
format  clang-format    1:14
tidy    clang           1:14
tidy    clang-tidy      1:14
'

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The packages of the groups named in $@ that are absent or too old.
missing_packages() {
    local group name least have
    declare -A installed=()
    while read -r name have; do
        installed[$name]=$have
    done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' 2>/dev/null |
        awk '$1 == "ii" { print $2, $3 }')
    while read -r group name least; do
        [[ " $* " == *" $group "* ]] || continue
        have=${installed[$name]:-}
        if [[ -z $have ]]; then
            echo "$name"
        elif [[ $least != - ]] && dpkg --compare-versions "$have" lt "$least"; then
            echo "$name"
        fi
    done <<<"$packages" | sort -u
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "neither root nor sudo: as root, please run: apt-get install $missing"
    fi
}

apt_install() {
    command -v apt-get >/dev/null ||
        die "this is not Debian or a relative of it; please install by hand: $missing"
    say "installing with apt-get: $missing"
    # Another archive's broken list must not stop us while the packages can be had.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update >&2 ||
        say "apt-get update failed; trying with the lists that are there"
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 install --no-install-recommends $missing >&2 ||
        die "apt-get could not install: $missing"
}

# npm ci DIR, once for each state of DIR/package-lock.json.
npm_is_current() { cmp -s "$1/node_modules/.installed-lock" "$1/package-lock.json"; }
npm_install() {
    say "installing the npm packages of $1/package-lock.json"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
        die "npm ci failed in $1"
    cp "$1/package-lock.json" "$1/node_modules/.installed-lock"
}

groups=$*
[[ -n $groups ]] || die "which group? (see the head of tools/setup.sh)"
for group in $groups; do
    grep -q "^$group " <<<"$packages" || die "there is no group '$group'"
done

fetch_engine=false
fetch_node=false
fetch_modules=false
if [[ " $groups " == *" engine "* ]]; then
    tools/engine.sh check || fetch_engine=true
fi
if [[ " $groups " == *" tests "* ]]; then
    tools/node --version >/dev/null 2>&1 || fetch_node=true
    npm_is_current . || fetch_modules=true
fi

missing=$(missing_packages "$groups" | tr '\n' ' ')
if ($fetch_engine || $fetch_node || $fetch_modules) && ! command -v npm >/dev/null; then
    missing+=npm
fi
if [[ -n $missing ]]; then apt_install; fi
if $fetch_engine; then tools/engine.sh fetch; fi
if $fetch_node; then npm_install tools/node-js; fi
if $fetch_modules; then npm_install .; fi
