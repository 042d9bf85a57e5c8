#!/usr/bin/env bash
# Every header compiles on its own and twice over, and the public ones from C++ too; those of the allocators also where there is no C
# library.
# usage: headers_alone.sh COMPILER ROOT
set -euo pipefail
compiler=$1
cd "$2"
failed=0

# A header may have macros alone, a translation unit has a declaration.
# alone <language> <standard> <header> [option]
alone() {
    if ! "$compiler" -x "$1" -std="$2" "${@:4}" -Wall -Wextra -Wpedantic -Wundef -Werror -fsyntax-only -I. -Ilib/include \
        -include "$3" -include "$3" - <<<'typedef int nothing;'; then
        echo "$3 does not compile on its own as $2 ${*:4}" >&2
        failed=1
    fi
}

while read -r header; do
    alone c c11 "$header"
done < <(find lib steve fuzz -name '*.h' | sort)
for header in lib/include/*.h steve/driver.h; do
    alone c++ c++11 "$header"
done
for header in lib/include/*.h; do
    alone c c11 "$header" -ffreestanding
    alone c++ c++11 "$header" -ffreestanding
done
exit $failed
