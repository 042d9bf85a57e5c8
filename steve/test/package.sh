#!/usr/bin/env bash
# What is installed is enough: the example is built outside of the tree from the installed package alone, passes, and with a bug planted
# in it shows the finding and its shrunk reproducer, in every way that a driver gets into Steve.
#
#     package.sh BUILD EXAMPLE CMAKE CC
set -euo pipefail
build=$1 example=$2 cmake=$3
export CC=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "package.sh: $1" >&2
    [ $# -lt 2 ] || cat "$2" >&2
    exit 1
}

# expect <status> <log> <command>...
expect() {
    local expected=$1 log=$2 state=0
    shift 2
    "$@" >"$log" 2>&1 || state=$?
    [ "$state" -eq "$expected" ] || fail "exit status $state of: $*" "$log"
}

# has <log> <text>
has() {
    grep -q -- "$2" "$1" || fail "expected '$2' in $1" "$1"
}

expect 0 "$folder/install.log" "$cmake" --install "$build" --prefix "$folder/prefix"
cp -r "$example" "$folder/pool"
cd "$folder"
export PATH=$folder/prefix/bin:$PATH

# make <folder> <option>...
make() {
    local into=$1
    shift
    expect 0 configure.log "$cmake" -S pool -B "$into" -DCMAKE_PREFIX_PATH="$folder/prefix" "$@"
    expect 0 build.log "$cmake" --build "$into"
}

echo "the example passes"
make sound
expect 0 ctest.log ctest --test-dir sound --output-on-failure
has ctest.log '100% tests passed'
expect 0 run.log steve run --driver ./sound/pool.so --seed 1 --ops 200000
has run.log 'verdict=pass'

echo "a planted bug is found, shrunk, and shown again"
make broken -DPOOL_WITH_BUG=ON
expect 8 ctest.log ctest --test-dir broken
expect 1 found.log broken/pool_stress run --seed 1 --out found
has found.log 'verdict=fail oracle=overlap .* repro_ops=2$'
expect 1 replay.log broken/pool_stress replay found/*/repro.ops
expect 1 replay.log broken/pool_stress replay found/*/repro.bin
expect 0 replay.log sound/pool_stress replay found/*/repro.ops
expect 1 object.log steve run --driver ./broken/pool.so --seed 1 --out object
has object.log 'verdict=fail oracle=overlap .* repro_ops=2$'
expect 1 replay.log steve replay object/*/repro.ops

echo "what contradicts itself is said"
sed -i.sound 's/\.alignment = 16/.alignment = 24/' pool/pool_driver.c
expect 0 configure.log "$cmake" -S pool -B wrong -DCMAKE_PREFIX_PATH="$folder/prefix"
expect 0 build.log "$cmake" --build wrong --target pool_stress
expect 2 wrong.log wrong/pool_stress run --seed 1
has wrong.log 'the driver in this program: its alignment is 24: expected a power of two'

sed -i.sound 's/pool\.c)/pool.c OPS 1e6)/' pool/CMakeLists.txt
expect 1 configure.log "$cmake" -S pool -B ops -DCMAKE_PREFIX_PATH="$folder/prefix"
has configure.log "OPS '1e6': expected a whole number from 1 on"
mv pool/CMakeLists.txt.sound pool/CMakeLists.txt

if [ -x sound/pool_fuzz ]; then
    echo "libFuzzer finds it, too, and its crash file replays"
    expect 0 fuzz.log sound/pool_fuzz -runs=20000 -seed=1 -max_len=512
    mkdir -p corpus
    expect 77 fuzz.log broken/pool_fuzz -runs=2000000 -seed=1 -max_len=512 -artifact_prefix=crash- corpus
    has fuzz.log 'fuzz: oracle=overlap'
    expect 1 replay.log broken/pool_stress replay --no-shrink crash-*
    has fuzz.log '^MS: .*Custom' # the mutator that knows ops made it
fi
if [ -x sound/pool_afl ]; then
    echo "AFL++'s target runs what it is given"
    expect 0 afl.log sound/pool_afl found/*/repro.bin
    state=0
    broken/pool_afl found/*/repro.bin >afl.log 2>&1 || state=$?
    [ "$state" -ne 0 ] || fail "AFL++'s target shows nothing" afl.log
    has afl.log 'oracle=overlap'
    echo "and afl-fuzz takes the mutator"
    mkdir seeds
    cp found/*/repro.bin seeds
    mutator=$(find "$folder/prefix" -name steve_mutator.so)
    expect 0 afl.log env AFL_CUSTOM_MUTATOR_LIBRARY="$mutator" AFL_CUSTOM_MUTATOR_ONLY=1 AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_SKIP_CPUFREQ=1 \
        AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 afl-fuzz -i seeds -o afl-out -V 2 -t 1000+ -m none -- sound/pool_afl
    has afl.log "Custom mutator '$mutator' installed successfully"
fi

if command -v g++ >/dev/null; then
    echo "a driver in C++ is built by a compiler without libFuzzer, whatever that for C is, and what is not made is told"
    mkdir cxx
    (cd cxx && expect 0 ../new.log steve new-driver cxx && mv cxx_driver.c cxx_driver.cpp)
    cat >cxx/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.21)
project(cxx LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
enable_testing()
find_package(steve REQUIRED)
steve_add_allocator_test(NAME cxx SOURCES cxx_driver.cpp OPS 10000)
END
    expect 0 configure.log "$cmake" -S cxx -B cxx/build -DCMAKE_PREFIX_PATH="$folder/prefix" -DCMAKE_CXX_COMPILER=g++
    has configure.log 'steve: no cxx_fuzz: expected clang'
    has configure.log 'steve: no cxx_afl: expected afl-clang-fast'
    expect 0 build.log "$cmake" --build cxx/build
    expect 0 ctest.log ctest --test-dir cxx/build --output-on-failure
fi

echo "a new driver compiles, in C and in C++, and passes as it is"
expect 0 new.log steve new-driver mine
expect 2 again.log steve new-driver mine
has again.log 'mine_driver.c is there already'
expect 2 again.log steve new-driver '../mine'
expect 0 cc.log "$CC" -std=c11 -Wall -Wextra -Werror -shared -fPIC -I "$folder/prefix/include" -o mine.so mine_driver.c
expect 0 run.log steve run --driver ./mine.so --seed 1 --ops 200000
expect 0 cc.log "$CC" -x c++ -std=c++20 -Wall -Werror -shared -fPIC -I "$folder/prefix/include" -o mine++.so mine_driver.c
expect 0 run.log steve run --driver ./mine++.so --seed 1 --ops 200000
has new.log "cc -shared -fPIC -I $folder/prefix/include -o mine.so mine_driver.c"
