# Sourced by ci/bugs --fuzz and ci/mutator: bugs planted into fuzz targets, and one run of an engine on one. Expects `root`, and `seconds`
# (on the wall) for a run.

# Makes the file of results, whose name is in `rows`. A line that a kill cut short goes.
open_rows() {
    touch "$rows"
    [ -z "$(tail -c 1 "$rows")" ] || sed -i '$d' "$rows"
}

preset_of() {
    [ "$1" = libfuzzer ] && echo fuzz || echo afl
}

# The target that runs what a bug is in: that of the driver which its header names, or Jeff's; and beside another driver if it takes that.
# target_of <bug>
target_of() {
    local driver family
    if grep -q '^# run:.*--against' "$root/fuzz/bugs/$1.patch"; then
        echo fuzz_jeff_against_freelist
        return
    fi
    driver=$(sed -n 's/^# run:.*--driver \([a-z0-9-]*\).*/\1/p' "$root/fuzz/bugs/$1.patch")
    for family in freelist tree-size tree-addr combo buddy; do
        if [ "$driver" = "$family" ] || [[ $driver == "$family"-* ]]; then
            echo "fuzz_${family//-/_}"
            return
        fi
    done
    echo fuzz_jeff
}

# Makes what planting needs: the targets named, by the engine's preset, and the mutator.
# make_sound <engine> <target>...
make_sound() {
    local preset
    preset=$(preset_of "$1")
    [ "$1" = libfuzzer ] || set -- "$@" steve_mutator
    cmake --preset "$preset" -DSTEVE_MUTATOR=ON >/dev/null
    cmake --build "build/$preset" --target "${@:2}" -- --quiet
}

# Compiles what the patch touches as the engine's preset does, all of its library if that is a header, and links the target with it.
# make_target <bug> <engine> <target> <folder>: leaves lib/ and <engine>/<target> in the folder
make_target() {
    local dir=$4 build command object source mine touched link objects='' all='' library=jeff
    build=$root/build/$(preset_of "$2")
    if [ ! -d "$dir/lib" ]; then
        mkdir -p "$dir"
        cp -R "$root/lib" "$dir/lib"
        patch -d "$dir" -p1 -s --fuzz=0 <"$root/fuzz/bugs/$1.patch"
    fi
    mkdir -p "$dir/$2"
    touched=" $(sed -n 's|^+++ b/\([^[:space:]]*\).*|\1|p' "$root/fuzz/bugs/$1.patch" | tr '\n' ' ')"
    [[ $touched != *.h\ * ]] || all=1
    [[ $touched != *lib/baseline/* ]] || library=baseline
    while IFS= read -r command; do
        object=$(sed -E 's/.* -o ([^ ]+) .*/\1/' <<<"$command")
        source=${command##* }
        source=${source#"$root"/}
        if [ -n "$all" ] || [[ $touched == *" $source "* ]]; then
            mine=$dir/$2/$(basename "$object")
            command=${command//"$object"/"$mine"}
            # A bug may leave something unused.
            (cd "$build" && eval "${command//"$root/lib/"/"$dir/lib/"} -w")
            object=$mine
        fi
        objects+=" $object"
    done < <(cd "$build" && ninja -t commands "lib/lib$library.a" | grep -- ' -c ')
    link=$(cd "$build" && ninja -t commands "bin/$3" | tail -n 1)
    link=${link//-o bin\/$3/-o "$dir/$2/$3"}
    # An archive, as in the sound build: afl-clang-fast 4.04 reads beyond the counters of the last object that is linked, and an archive has
    # them in the same order.
    rm -f "$dir/$2/lib$library.a"
    (cd "$build" && eval "ar qcs '$dir/$2/lib$library.a' $objects" &&
        eval "${link/lib\/lib$library.a/"'$dir/$2/lib$library.a'"}")
}

# Both let an engine loose on <folder>/corpus, and succeed if it finds something; its own words are in <folder>/log. `within` may be set
# to a command that runs it.
within=()
runs_with_script=(setpriv --pdeathsig TERM --)

run_libfuzzer() { # <binary> <folder> <way> <seed>
    STEVE_MUTATOR=$3 "${runs_with_script[@]}" "${within[@]}" "$1" "$2/corpus" -seed="$4" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=4096 -entropic_number_of_rarest_features=20 -entropic_feature_frequency_threshold=20 \
        -artifact_prefix="$2/found/" >"$2/log" 2>&1 </dev/null || true
    [ -n "$(find "$2/found" -type f ! -name 'slow-unit-*')" ]
}

run_aflpp() { # <binary> <folder> <way> <seed>
    local library=()
    [ "$3" = off ] || library=("AFL_CUSTOM_MUTATOR_LIBRARY=$root/build/afl/bin/steve_mutator.so")
    [ "$3" != only ] || library+=("AFL_CUSTOM_MUTATOR_ONLY=1")
    env "${library[@]}" AFL_BENCH_UNTIL_CRASH=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
        AFL_NO_UI=1 AFL_NO_COLOR=1 "${runs_with_script[@]}" "${within[@]}" afl-fuzz -i "$2/corpus" -o "$2/out" -s "$4" -V "$seconds" \
        -t 1000+ -m none -G 4096 -- "$1" >"$2/log" 2>&1 </dev/null || true
    [ -n "$(find "$2/out" -path '*/crashes/id:*' -type f)" ]
}
