#!/bin/sh
# Runs a compiler of AFL++, or any other: uninstrumented.sh <compiler> <argument>... Sources that uninstrumented.txt names are compiled without
# AFL++'s instrumentation. AFL++ has a list for that itself, AFL_LLVM_DENYLIST, but goes by where the first instruction of a function
# comes from, as it is seen from the folder of the build: what begins with something inlined from a header passed for the header's, and
# most of these sources were instrumented.
for source; do
    case $source in *.c) ;; *) continue ;; esac
    while IFS= read -r line; do
        case $line in src:*) ;; *) continue ;; esac
        # shellcheck disable=SC2254 # a pattern, so without quotes
        case $source in ${line#src:}) export AFL_NOOPT=1 ;; esac
    done <"${0%.sh}.txt"
done
exec "$@"
