/// main() of a fuzz target in builds without a fuzzing engine: replays the files and folders that it is given.
#include "fuzz/target.h"

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    return fuzz_replay(argc - 1, argv + 1);
}
