/// main() of a fuzz target under AFL++: persistent mode, with inputs in shared memory, so that an input costs neither a fork nor a
/// read. Outside afl-fuzz it replays the files and folders that it is given, or else one input from stdin.
#include "fuzz/target.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/// After so many inputs AFL++ starts a fresh process: a leak or a stain that inputs leave behind does not grow for ever.
#define INPUTS_PER_PROCESS 1000000

__AFL_FUZZ_INIT();

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    if (argc > 1)
        return fuzz_replay(argc - 1, argv + 1);

    // What is done before this line is done once, and every process is forked from it.
    __AFL_INIT();
    const uint8_t *data = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(INPUTS_PER_PROCESS))
        LLVMFuzzerTestOneInput(data, (size_t)__AFL_FUZZ_TESTCASE_LEN);
    return 0;
}
