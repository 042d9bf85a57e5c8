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
grep -q '^compare .* 500 live blocks, 1 rounds.*seed 3' table.txt || fail "what was run is not said"
for driver in combo jeff libc; do
    grep -q -E "^ +[123][= ] +[0-9.]+ +[0-9.]+-[0-9.]+ +[123][= ] +[0-9.]+ +[0-9.]+ +[0-9.]+   $driver\$" table.txt ||
        fail "no row for $driver"
done
# The first rank is given, and the last only if it is not shared.
awk '/   (combo|jeff|libc)$/ { print $1 }' table.txt | sort -n | head -1 | grep -q '^1' || fail "nobody is first"

"$steve" bench --compare --quick --json --drivers buddy >document.json
head -c 1 document.json | grep -q '{' || fail "--json: something stands before the document"
for words in '"machine":' '"live":\t500' '"driver":\t"buddy"' '"end":\t"done"' '"rank_by_ns":\t1' '"rank_by_footprint":\t1' \
    '"footprint_per_payload":' '"over_time":' '"payload":'; do
    grep -q -F -- "$(printf '%b' "$words")" document.json || fail "--json: no $words"
done

# A driver that takes too long is left out, and the table says so.
"$steve" bench --compare --cap 1ms --drivers freelist >slow.txt
grep -q '^left out  *freelist: more than 0.001 s' slow.txt || fail "--cap: no word of it"

if command -v gnuplot >/dev/null; then
    rm -rf plots
    "$steve" bench --compare --quick --drivers jeff --plot plots >/dev/null
    grep -q '</svg>' plots/compare-footprint.svg || fail "--plot: no plot"
fi
