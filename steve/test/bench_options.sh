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
refused "no 'tlsf'; there are jeff, libc, mimalloc, jemalloc, tcmalloc" --drivers jeff,tlsf
refused "no ''" --drivers ""
refused "expected names after '--drivers'" --drivers
refused "no 'speed'; there are pair, pair_tight, latency" --metric pair,speed
refused "expected names after '--metric'" --json --metric
refused "--rounds 0: expected a number from 1 to 1000" --rounds 0
refused "--rounds 1001" --rounds 1001
refused "--rounds -1" --rounds -1
refused "--seed x" --seed x
refused "--seed : expected a number" --quick --seed
refused "--seed 18446744073709551616" --seed 18446744073709551616

"$steve" bench --help | grep -q '^usage: steve bench' || fail "--help: no usage"

"$steve" bench --quick --drivers libc --seed 2 --metric pair,largest_run,compact_time >libc.txt
grep -q '^machine ' libc.txt || fail "--drivers libc: no machine"
grep -q '^rounds  *1, .*seed 2' libc.txt || fail "--seed 2: not said"
grep -q '^ live blocks      libc$' libc.txt || fail "--drivers libc: not libc alone"
! grep -q "Jeff's heap\|Jeff's full" libc.txt || fail "--drivers libc: measures Jeff"

"$steve" bench --quick --drivers libc,jeff >both.txt
for table in 'jeff/libc$' 'so many times the live bytes' 'calls timed singly' 'lock+unlock pair' 'resize' 'Space per block' \
    'at the first refusal' 'largest free run' 'full compaction' 'Beyond the budget'; do
    grep -q -- "$table" both.txt || fail "--drivers libc,jeff: no '$table'"
done

"$steve" bench --quick --rounds 2 --drivers jeff --metric memmove_time,lock_pair >some.txt
grep -q '^rounds  *2,' some.txt || fail "--rounds 2: not said"
grep -q 'lock+unlock pair' some.txt && grep -q 'full compaction' some.txt || fail "--metric: not what was asked for"
! grep -q 'steady churn' some.txt || fail "--metric: more than was asked for"

# One document and nothing else, with a row for each metric that was asked for, and no other.
"$steve" bench --quick --json --drivers libc,jeff --metric pair,memmove_time,budget_overshoot >document.json
head -c 1 document.json | grep -q '{' || fail "--json: something stands before the document"
for words in '"machine":' '"rows":' '"metric":\t"pair"' '"metric":\t"memmove_time"' '"metric":\t"budget_overshoot"' \
    '"driver":\t"libc"' '"driver":\t"jeff"' '"live":\t1000,' '"unit":\t"ns"' '"p999":' '"budget_us":\t1000,'; do
    grep -q -F -- "$(printf '%b' "$words")" document.json || fail "--json: no $words"
done
! grep -q '"compact_time"' document.json || fail "--json: a metric that was not asked for"

# Every op is timed singly, space is told by the number and the size of blocks, and peers are asked wherever it makes sense.
"$steve" bench --quick --json --drivers libc,jeff --metric latency,overhead_bytes,payload_at_refusal >more.json
for words in '"op":\t"malloc"' '"op":\t"free"' '"op":\t"calloc"' '"op":\t"resize"' '"op":\t"lock"' '"op":\t"unlock"' \
    '"max_ns":' '"live":\t10000,' '"least_bytes":\t2048' '"of":\t"resident memory"' '"of":\t"heap"' '"free_percent":'; do
    grep -q -F -- "$(printf '%b' "$words")" more.json || fail "--json: no $words"
done
! grep -q '"lock_pair"\|"resize",$' <(grep '"metric"' more.json) || fail "--json: a metric that was not asked for"

# What checking costs: three figures for each driver, none of them nought.
"$steve" bench --checking --quick --drivers jeff,libc >checking.txt
[ "$(grep -c '^  \(drawn and checked\|checked\|unchecked\)  *[0-9.]*[1-9]' checking.txt)" -eq 6 ] || fail "--checking: $(cat checking.txt)"
"$steve" bench --checking --quick --json >checking.json
grep -q '^{"seed": 1, "rows": \[{"driver": "jeff", .*"ratio": 0*[0-9.]*}\]}$' checking.json || fail "--checking --json: $(cat checking.json)"
refused "no driver 'tlsf'" --checking --drivers tlsf
