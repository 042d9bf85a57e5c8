#!/usr/bin/env bash
# steve bench --scaling: the form of what it prints, and what becomes of bad options. No figure is judged.
# usage: bench_scaling.sh STEVE
set -euo pipefail
steve=$1

fail() {
    echo "steve bench --scaling $*" >&2
    exit 1
}

# refused <words that the message must hold> <arguments...>
refused() {
    local words=$1 status=0
    shift
    "$steve" bench --scaling "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -eq 2 ] || fail "$*: exit status $status, expected 2"
    [ ! -s out.txt ] || fail "$*: prints to stdout"
    grep -q -F -- "$words" err.txt || fail "$*: '$words' is not in: $(cat err.txt)"
}

refused "no driver 'tlsf'; see steve drivers" --drivers jeff,tlsf
refused "no driver ''" --drivers jeff,
refused "expected names of drivers" --drivers
refused "no such file" --drivers ./none.so
refused "--cap 0s: expected a time from 1ms" --cap 0s
refused "--cap : expected a time" --cap
refused "--seed x: expected a number" --seed x
refused "unexpected argument '--metric'" --metric pair

"$steve" bench --scaling --help | grep -q '^usage: steve bench --scaling' || fail "--help: no usage"

"$steve" bench --scaling --quick --seed 3 --drivers combo,jeff,libc >table.txt
grep -q '^machine ' table.txt || fail "no machine"
grep -q '^scaling .*seed 3' table.txt || fail "the seed is not said"
for words in '^malloc, 16-1024 B: ns$' '^free, a block at random: ns$' '^malloc of 32 KiB' '^Growth, fitted to' \
    ' live blocks  *100  *316  *1000   grows as$'; do
    grep -q -- "$words" table.txt || fail "no '$words'"
done
# A row a driver in each table, which says how the cost grows.
for driver in combo jeff libc; do
    rows=$(grep -c -E "^ +$driver( +([0-9.]+|-)){3}   (constant|log n|n|-)\$" table.txt)
    [ "$rows" -eq 3 ] || [ "$rows" -eq 6 ] || fail "$driver has $rows rows, expected one in each table"
done

# One document and nothing else.
"$steve" bench --scaling --quick --json --drivers buddy >document.json
head -c 1 document.json | grep -q '{' || fail "--json: something stands before the document"
for words in '"machine":' '"cap_ms":' '"points":' '"fits":' '"stopped":' '"driver":\t"buddy"' '"op":\t"malloc-large"' \
    '"live":\t316,' '"measure":\t"ns"' '"grows":' '"errors":' '"log n":'; do
    grep -q -F -- "$(printf '%b' "$words")" document.json || fail "--json: no $words"
done

# A driver that is not ready in time is left behind, and the table says so.
"$steve" bench --scaling --cap 1ms --drivers tree-size >slow.txt
grep -q '^stopped  *tree-size before [0-9]* live blocks: more than 0.001 s' slow.txt || fail "--cap: no word of it"

# Plots: the folder is made, and each has its script. Without gnuplot there is a word about it before anything is measured.
status=0
PATH=/nowhere "$steve" bench --scaling --quick --drivers jeff --plot plots >out.txt 2>err.txt || status=$?
[ "$status" -eq 3 ] || fail "--plot without gnuplot: exit status $status, expected 3"
[ ! -s out.txt ] || fail "--plot without gnuplot: measures first"
grep -q "there is no gnuplot here (Debian's package: gnuplot-nox)" err.txt || fail "--plot without gnuplot: $(cat err.txt)"
if command -v gnuplot >/dev/null; then
    rm -rf plots
    "$steve" bench --scaling --quick --drivers jeff --plot plots >/dev/null
    grep -q '</svg>' plots/scaling-malloc-ns.svg || fail "--plot: no plot"
    grep -q "'jeff: " plots/scaling-free-ns.gp || fail "--plot: no script, or no jeff in it"
    touch file
    status=0
    "$steve" bench --scaling --quick --drivers jeff --plot file >out.txt 2>err.txt || status=$?
    [ "$status" -eq 3 ] && grep -q 'file: expected a folder' err.txt || fail "--plot file: $status, $(cat err.txt)"
fi
