#!/usr/bin/env bash
# What was found is kept, whatever happens then: Ctrl-C in the middle of shrinking, SIGKILL right after the finding was announced, a
# folder that cannot be written, a full disk.
#
#     kept.sh STEVE
set -euo pipefail
steve=$1
folder=$(mktemp -d)
mounted=
clean_up() {
    [ -z "$mounted" ] || umount "$folder/full"
    rm -rf "$folder"
}
trap clean_up EXIT
cd "$folder"
arguments=(run --driver hostile-refuses --seed 1 --ops 200000) # takes seconds to shrink

fail() {
    echo "kept.sh: $1" >&2
    cat "$folder"/*.log >&2
    exit 1
}

# Starts a run and waits until it has announced its finding. Sets `pid`.
# start <name>
start() {
    "$steve" "${arguments[@]}" --out "$1" >"$1.log" 2>&1 &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        ! grep -q '^finding: ' "$1.log" || return 0
        sleep 0.1
    done
    fail "$1: nothing was announced"
}

# Each kept reproducer shows the finding again.
# shows <name>
shows() {
    local state=0
    ls "$1"/*/repro.ops "$1"/*/repro.bin "$1"/*/full.ops >/dev/null || fail "$1: a file is missing"
    "$steve" replay --no-shrink "$1"/*/repro.ops >"$1-replay.log" 2>&1 || state=$?
    [ "$state" -eq 1 ] || fail "$1: repro.ops shows nothing"
}

start interrupted
sleep 0.3
kill -INT "$pid" 2>/dev/null || true # on a quick machine it may be over
state=0
wait "$pid" || state=$?
[ "$state" -eq 1 ] || fail "interrupted: exit status $state"
shows interrupted
[ -s "$(echo interrupted/*/report.txt)" ] || fail "interrupted: no report.txt"
grep -q '^verdict=fail .* reproducer=interrupted/' interrupted.log || fail "interrupted: no verdict"

start killed
kill -KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
shows killed

# unwritable <name>: says plainly that the finding could not be kept.
unwritable() {
    local state=0
    "$steve" "${arguments[@]}" --no-shrink --out "$1" >unwritable.log 2>&1 || state=$?
    [ "$state" -eq 1 ] || fail "$1: exit status $state"
    grep -q '  not saved: ' unwritable.log || fail "$1: not said"
    grep -q '^verdict=fail .* reproducer=none' unwritable.log || fail "$1: a verdict that names a reproducer"
}

unwritable /proc/steve-out

mkdir full
if mount -t tmpfs -o size=4k tmpfs full 2>/dev/null; then
    mounted=1
    unwritable full/out
else
    echo "not root: the full disk is left out"
fi
