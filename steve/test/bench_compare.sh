#!/usr/bin/env bash
# steve bench --compare: the form of what it prints, and what becomes of bad options. No figure is judged.
# usage: bench_compare.sh STEVE
set -euo pipefail
steve=$1

fail() {
    echo "steve bench --compare $*" >&2
    exit 1
}

status=0
"$steve" bench --compare --drivers tlsf >out.txt 2>err.txt || status=$?
[ "$status" -eq 2 ] && [ ! -s out.txt ] && grep -q "no driver 'tlsf'" err.txt || fail "--drivers tlsf: $status, $(cat err.txt)"
"$steve" bench --compare --help | grep -q '^usage: steve bench --compare' || fail "--help: no usage"

"$steve" bench --compare --quick --seed 3 --drivers combo,jeff,libc >table.txt
grep -q '^machine ' table.txt || fail "no machine"
grep -q '^compare .* 500 live blocks: 5376 calls .*1 rounds.*seed 3' table.txt || fail "what was run is not said"
time='[123][= ] +[0-9.]+ +[0-9.]+-[0-9.]+' space='[123][= ] +[0-9.]+ +[0-9.]+ +[0-9.]+' room='([123][= ]|-) +[0-9.-]+ +[0-9.-]+'
for driver in combo jeff libc; do
    grep -q -E "^ +$time +$space +$room   $driver\$" table.txt || fail "no row for $driver"
done
# The first rank is given, and the last only if it is not shared.
awk '/   (combo|jeff|libc)$/ { print $1 }' table.txt | sort -n | head -1 | grep -q '^1' || fail "nobody is first"

"$steve" bench --compare --quick --json --drivers buddy >document.json
head -c 1 document.json | grep -q '{' || fail "--json: something stands before the document"
for words in '"machine":' '"live":\t500' '"driver":\t"buddy"' '"end":\t"done"' '"rank_by_ns":\t1' '"rank_by_footprint":\t1' \
    '"footprint_per_payload":' '"refused":\t0' '"room":' '"rank_by_room":\t1' '"over_time":' '"payload":' '"free":' '"largest":' \
    '"fragmentation":'; do
    grep -q -F -- "$(printf '%b' "$words")" document.json || fail "--json: no $words"
done

# A driver that takes too long is left out, and the table says so.
"$steve" bench --compare --cap 1ms --drivers freelist >slow.txt
grep -q '^left out  *freelist: more than 0.001 s' slow.txt || fail "--cap: no word of it"

# Saved sequences, as text, as bytes, and in folders. What is refused is told.
rm -rf saved
mkdir -p saved/folder
printf 'steve-ops 1\nheap 4096\nmalloc s0 100\nlock s0\ncompact full\nunlock s0\nresize s0 3000\nfree s0\n' >saved/a.ops
"$steve" encode saved/a.ops -o saved/folder/a.bin
printf 'steve-ops 1\nheap 4096\nmalloc s0 4095\nmalloc s1 1\nfree s1\n' >saved/full.ops
"$steve" bench --compare --quick --drivers jeff,buddy saved/a.ops saved/folder >saved.txt
grep -q '^compare .* 2 recorded sequences: 14 calls in heaps of up to 0.00 MiB' saved.txt ||
    fail "FILE DIR: what was run is not said"
grep -q '   jeff$' saved.txt || fail "FILE DIR: jeff refuses something"
"$steve" bench --compare --quick --drivers jeff saved/full.ops | grep -q '   jeff (refuses 1 requests)$' ||
    fail "a refusal is not told"
"$steve" bench --compare --quick --json --drivers jeff saved/full.ops | grep -q '"sequences":.1,' ||
    fail "--json FILE: no number of sequences"

# rejected <words> <arguments...>
rejected() {
    local words=$1 status=0
    shift
    "$steve" bench --compare --quick "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -eq 2 ] && [ ! -s out.txt ] && grep -q -F -- "$words" err.txt || fail "$*: $status, $(cat err.txt)"
}
printf 'steve-ops 1\nheap 1048576\nmalloc\n' >saved/bad.ops
printf 'steve-ops 1\nheap 1099511627776\nmalloc s0 1\n' >saved/huge.ops
rejected "saved/bad.ops:3: " saved/bad.ops
rejected "saved/none.ops: " saved/none.ops
rejected "left out: 1 whose heaps have more than 1 GiB" saved/huge.ops
rejected "expected saved sequences" saved/huge.ops

if command -v gnuplot >/dev/null; then
    rm -rf plots
    "$steve" bench --compare --quick --drivers jeff --plot plots >/dev/null
    for plot in footprint largest room; do
        grep -q '</svg>' plots/compare-$plot.svg || fail "--plot: no plot of $plot"
    done
fi
