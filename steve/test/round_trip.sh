#!/usr/bin/env bash
# Every byte file of the corpus is canonical: `show`, then `encode`, gives the same bytes. (What is in folders called fuzz_text and
# fuzz_roundtrip is food for the parser and the decoder, and need not be.)
# usage: round_trip.sh STEVE CORPUS EVERY     one file of EVERY
set -euo pipefail
steve=$1
every=$3
seen=0
count=0
failed=0
while IFS= read -r -d '' file; do
    # Text files are the other form: they begin with their magic, after blank lines and comments.
    grep -v -m 1 -a -E '^[[:space:]]*(#|$)' "$file" | head -n 1 | grep -q -a '^steve-ops ' && continue
    seen=$((seen + 1))
    [ $((seen % every)) -eq 0 ] || continue
    "$steve" show "$file" >shown.ops
    "$steve" encode shown.ops >encoded.bin
    if ! cmp "$file" encoded.bin; then
        failed=1
    fi
    count=$((count + 1))
done < <(find "$2" -type f -not -path "*/fuzz_text/*" -not -path "*/fuzz_roundtrip/*" -print0 | sort -z)
echo "$count byte files"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
