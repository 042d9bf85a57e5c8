#!/usr/bin/env bash
# How fast fuzz_jeff is, on the seeds of corpus/ cut to 512 bytes: under each engine beside a target that does nothing, and in a loop
# without an engine, instrumented in every way and not at all. Prints executions a second of CPU time, and ratios.
#
#     ci/bench --fuzz [--time T] [--bytes N] [--only loop|libfuzzer|aflpp]
#
# --time   seconds for each figure; default 10     --bytes   of an input, at most; default 512
#
# What the engines themselves do is in their figures: mutating, comparing coverage, keeping what is new, of which there is much
# in so short a time. No disk has a part in it: libFuzzer keeps new inputs in memory, afl-fuzz in /dev/shm where there is one.
# afl-fuzz's figures are by the wall clock, so that only their ratio says something on a busy machine.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ci/command.sh
help_if_asked fuzz/speed.sh "$@"

usage() {
    echo "ci/bench --fuzz: $1" >&2
    echo "usage: ci/bench --fuzz [--time T] [--bytes N] [--only loop|libfuzzer|aflpp]" >&2
    exit 2
}

time=10 bytes=512 only=
while [ $# -gt 0 ]; do
    case $1 in
    --time | --bytes | --only) [ $# -ge 2 ] || usage "$1 needs a value" ;;
    *) usage "no option '$1'" ;;
    esac
    case $1 in
    --time) time=$2 ;;
    --bytes) bytes=$2 ;;
    --only) only=$2 ;;
    esac
    shift 2
done
[[ $time =~ ^[1-9][0-9]{0,3}$ ]] || usage "--time '$time'; expected seconds"
[[ $bytes =~ ^[1-9][0-9]{0,5}$ ]] || usage "--bytes '$bytes'; expected a number"
[[ $only =~ ^(loop|libfuzzer|aflpp|)$ ]] || usage "--only '$only'; expected loop, libfuzzer or aflpp"

work=build/fuzz-speed
inputs=$work/inputs
rm -rf "$inputs"
mkdir -p "$inputs"
for seed in corpus/seeds/fuzz_jeff/*; do
    head -c "$bytes" "$seed" >"$inputs/$(basename "$seed")"
done

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# make PRESET FOLDER TARGETS... [-- OPTIONS...]
make() {
    local preset=$1 folder=$2 targets=()
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        targets+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    cmake --preset "$preset" -B "$folder" "$@" >/dev/null
    cmake --build "$folder" --target "${targets[@]}" -- --quiet
}

ci/setup build test
# The preset `fuzz` has sanitizers; without them it is what "plain" means.
# Not instrumented, and without the heaps beside that no fuzzer has.
make release $work/bare fuzz_jeff_speed -- -DCMAKE_C_FLAGS=-DSTEVE_FUZZING
make fuzz build/fuzz fuzz_jeff fuzz_jeff_speed fuzz_empty
make fuzz $work/plain fuzz_jeff fuzz_jeff_speed fuzz_empty -- -DSTEVE_SANITIZE=OFF
make afl build/afl fuzz_jeff fuzz_jeff_speed fuzz_empty

row() { printf '%-44s %10s   %s\n' "$1" "$2" "$3"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'; }

loop() {
    "$1/bin/fuzz_jeff_speed" "$bytes" "$time" "$inputs" | sed -n 's/.*, \([0-9]*\) exec.*/\1/p'
}

# Executions a second of CPU time, libFuzzer's own work included.
libfuzzer() {
    local used
    TIMEFORMAT='%U %S'
    used=$({ time "$1" -max_len="$bytes" -len_control=0 -seed=1 -max_total_time="$time" -print_final_stats=1 \
        -entropic_number_of_rarest_features=20 -entropic_feature_frequency_threshold=20 \
        -seed_inputs="$(find "$inputs" -type f | sort | paste -sd,)" >"$work/libfuzzer.log" 2>&1; } 2>&1)
    awk -v used="$used" '/number_of_executed_units/ { split(used, t, " "); printf "%.0f", $2 / (t[1] + t[2]) }' "$work/libfuzzer.log"
}

afl() {
    local out=$work/afl
    [ ! -w /dev/shm ] || out=$(mktemp -d /dev/shm/steve-afl-XXXXXX)
    rm -rf "$out"
    AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
        AFL_CUSTOM_MUTATOR_LIBRARY=$PWD/build/afl/bin/steve_mutator.so AFL_CUSTOM_MUTATOR_ONLY=1 \
        afl-fuzz -i "$inputs" -o "$out" -V "$time" -t 1000+ -m none -G "$bytes" -- "$1" >"$work/afl.log" 2>&1 </dev/null
    sed -n 's/^execs_per_sec *: *\([0-9]*\).*/\1/p' "$out/default/fuzzer_stats"
    rm -rf "$out"
}

row "inputs of up to $bytes bytes" exec/s beside
if wanted loop; then
    bare=$(loop "$work/bare")
    row "in a loop, not instrumented (release)" "$bare" 1.00
    for build in "$work/plain:coverage (libFuzzer)" "build/afl:coverage (AFL++)" "build/fuzz:coverage, ASan, UBSan"; do
        figure=$(loop "${build%%:*}")
        row "in a loop, ${build#*:}" "$figure" "$(ratio "$figure" "$bare") of it"
    done
fi
if wanted libfuzzer; then
    for build in "$work/plain:libFuzzer" "build/fuzz:libFuzzer, ASan, UBSan"; do
        empty=$(libfuzzer "${build%%:*}/bin/fuzz_empty")
        figure=$(libfuzzer "${build%%:*}/bin/fuzz_jeff")
        row "${build#*:}: a target that does nothing" "$empty" 1.00
        row "${build#*:}: fuzz_jeff" "$figure" "$(ratio "$figure" "$empty") of it"
    done
fi
if wanted aflpp; then
    make afl build/afl steve_mutator
    empty=$(afl build/afl/bin/fuzz_empty)
    figure=$(afl build/afl/bin/fuzz_jeff)
    row "AFL++: a target that does nothing" "$empty" 1.00
    row "AFL++: fuzz_jeff" "$figure" "$(ratio "$figure" "$empty") of it"
fi
