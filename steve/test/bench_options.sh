#!/usr/bin/env bash
# steve bench: what is measured is what was asked for, and bad options end in one line and exit status 2.
# usage: bench_options.sh STEVE
set -euo pipefail
steve=$1

fail() {
    echo "steve bench $*" >&2
    exit 1
}

# refused <words that the message must hold> <arguments...>
refused() {
    local words=$1 status=0
    shift
    "$steve" bench "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status, expected 2"
    [ ! -s out.txt ] || fail "$*: prints to stdout"
    [ "$(wc -l <err.txt)" -eq 1 ] || fail "$*: expected one line on stderr: $(cat err.txt)"
    grep -q -F -- "$words" err.txt || fail "$*: '$words' is not in: $(cat err.txt)"
}

refused "unexpected argument '--fast'" --fast
refused "unexpected argument 'jeff'" jeff
refused "no 'tlsf'" --drivers jeff,tlsf
refused "no ''" --drivers ""
refused "expected names after" --drivers
refused "--rounds 0: expected a number from 1 to 1000" --rounds 0
refused "--rounds 1001" --rounds 1001
refused "--rounds -1" --rounds -1
refused "--seed x" --seed x
refused "--seed : expected a number" --quick --seed
refused "--seed 18446744073709551616" --seed 18446744073709551616

"$steve" bench --help | grep -q '^usage: steve bench' || fail "--help: no usage"

"$steve" bench --quick --drivers glibc --seed 2 >glibc.txt
grep -q '^machine ' glibc.txt || fail "--drivers glibc: no machine"
grep -q '^rounds  *1, .*seed 2' glibc.txt || fail "--seed 2: not said"
grep -q '^ live blocks     glibc$' glibc.txt || fail "--drivers glibc: not glibc alone"
! grep -q "full compaction" glibc.txt || fail "--drivers glibc: measures Jeff"

"$steve" bench --quick --rounds 2 --drivers glibc,jeff >both.txt
grep -q '^rounds  *2,' both.txt || fail "--rounds 2: not said"
for table in 'jeff/glibc$' 'lock+unlock pair' 'full compaction' 'Beyond the millisecond'; do
    grep -q -- "$table" both.txt || fail "--drivers glibc,jeff: no '$table'"
done
