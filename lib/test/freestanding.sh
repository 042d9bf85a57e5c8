#!/usr/bin/env bash
# Jeff's core compiles without a C library, not even its headers, and needs memcpy, memmove and memset alone, besides
# what the compiler itself brings along for its target (names that begin with __). Prints what it takes in code and constants.
# usage: [NM=TARGET-nm] freestanding.sh ROOT COMPILER [FLAG...]
set -euo pipefail
root=$1
shift
core=$(mktemp -d)
trap 'rm -rf "$core"' EXIT

flags=(-std=c11 -Os -DNDEBUG -ffreestanding -nostdlib -fno-pic -fno-asynchronous-unwind-tables -Wall -Wextra -Werror)
headers=$("$@" -print-file-name=include)
for source in "$root"/lib/jeff/*.c; do
    case $(basename "$source" .c) in
    pages_posix | rmalloc) continue ;; # for systems that map memory
    esac
    "$@" "${flags[@]}" -nostdinc -isystem "$headers" -I"$root/lib/include" -c "$source" -o "$core/$(basename "$source" .c).o"
done

nm=${NM:-nm}
size=$(basename "$nm")
size=$(dirname "$(command -v "$nm")")/${size/nm/size}
"$nm" "$core"/*.o | awk '
    NF == 2 && $1 == "U" { needed[$2] }
    NF == 3 { defined[$3] }
    END { for (name in needed) if (!(name in defined)) print name }' | sort >"$core/needed"
echo "needs: $(tr '\n' ' ' <"$core/needed")"
if grep -vxE 'memcpy|memmove|memset|__.*' "$core/needed"; then
    echo "freestanding.sh: the core needs the above from outside; expected memcpy, memmove and memset alone" >&2
    exit 1
fi

"$size" "$core"/*.o | awk 'NR > 1 { code += $1; data += $2 + $3 } END {
    print code " bytes of code and constants, " data " of data"
    exit data != 0 # no global state
}'
