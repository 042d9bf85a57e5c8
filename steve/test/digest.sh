#!/usr/bin/env bash
# The same seed gives the same digest every time, with one job or two; another seed gives another.
# usage: digest.sh STEVE OPS
set -euo pipefail
steve=$1
ops=$2

digest() {
    "$steve" run --ops "$ops" "$@" | tail -n 1 | tee /dev/stderr | grep -o 'verdict=pass .*digest=[0-9a-f]*' | grep -o 'digest=.*'
}

first=$(digest --seed 7)
again=$(digest --seed 7)
jobs=$(digest --seed 7 --jobs 2)
other=$(digest --seed 8)
[ "$first" = "$again" ]
[ "$first" = "$jobs" ]
[ "$first" != "$other" ]
