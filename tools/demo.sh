#!/usr/bin/env bash
#
# From nothing to a streamed answer: installs what is missing, builds, starts a queen,
# a hive and one worker with models/rbee-tiny, asks it something, and stays up until
# Ctrl-C. ONESHOT=1: stops by itself; the exit code says whether all of it worked.
# State and logs are in build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."

model=rbee-tiny
state=build/demo
deadline_s=60
prompt='Tell me a story about a bee.'

say() { printf '\n==> %s\n' "$*"; }
die() {
    printf 'demo: %s\n' "$*" >&2
    tail -n 20 $state/*.log >&2 2>/dev/null || true
    exit 1
}

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The default port where it is free, else any.
listen() { if is_free "$1"; then echo "127.0.0.1:$1"; else echo 127.0.0.1:0; fi; }

# start NAME PROGRAM ARGS...: in the background, until its ready line; sets `url`.
start() {
    local name=$1 deadline=$((SECONDS + deadline_s)) at
    shift
    "$@" --state-dir "$state/$name" --log-format json 2>"$state/$name.log" &
    pids+=($!)
    until at=$(sed -n '/"msg":"ready"/ s/.*"listen":"\([^"]*\)".*/\1/p' "$state/$name.log") && [[ -n $at ]]; do
        kill -0 "${pids[-1]}" 2>/dev/null || die "$name ended while starting"
        ((SECONDS < deadline)) || die "$name is not ready after $deadline_s s"
        sleep 0.05
    done
    url=http://${at%% *}
}

# The hive goes first, so that it still stops its workers in order.
pids=()
stop() {
    trap - EXIT INT TERM
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -TERM "${pids[i]}" 2>/dev/null || continue
        wait "${pids[i]}" 2>/dev/null || true
    done
}
trap stop EXIT
trap 'exit 130' INT TERM

tools/setup.sh build engine
make --no-print-directory
mkdir -p $state

say "starting a queen, a hive and one worker"
start queen build/queen-rbee --listen "$(listen 7833)"
queen=$url
start hive build/rbee-hive --listen "$(listen 7835)" --queen-url "$queen" --models-dir models
until build/rbee status --queen-url "$queen" --json | grep -q '"hives": *\[{'; do
    ((SECONDS < deadline_s)) || die "the hive has not reported to the queen"
    sleep 0.1
done
build/rbee worker spawn --queen-url "$queen" --model $model --threads 1 || die "no worker could be started"
build/rbee status --queen-url "$queen"

say "rbee infer --model $model \"$prompt\""
build/rbee infer --quiet --queen-url "$queen" --model $model --max-tokens 120 "$prompt" | tee $state/answer ||
    die "no answer"
[[ -s $state/answer ]] || die "the answer is empty"

say "the OpenAI endpoint is $queen/v1"
cat <<TEXT
    curl $queen/v1/chat/completions -H 'Content-Type: application/json' \\
      -d '{"model": "$model", "messages": [{"role": "user", "content": "Hello!"}]}'
    build/rbee infer --queen-url $queen --model $model "Hello!"
TEXT

if [[ -n ${ONESHOT:-} ]]; then
    say "done"
    exit 0
fi
say "Ctrl-C stops it"
trap 'exit 0' INT TERM
while kill -0 "${pids[@]}" 2>/dev/null; do
    sleep 1
done
die "a daemon has ended"
