#!/bin/bash -eu
# Builds the fuzz targets for ClusterFuzzLite and OSS-Fuzz: in their image, with their compiler, flags and engine. Run in the folder of
# the sources; puts into $OUT all that a target needs, which is nothing beyond itself:
#
#     fuzz_<what>   fuzz_<what>_seed_corpus.zip   fuzz_<what>.options   fuzz_text.dict
#
# CC, CXX, CFLAGS and CXXFLAGS are read by CMake. No build type has flags of its own to add to them, and so assertions stay in.
cmake -S . -B "$WORK/steve" -DSTEVE_ENGINE=external -DSTEVE_ENGINE_LIBRARY="$LIB_FUZZING_ENGINE" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF
cmake --build "$WORK/steve" --parallel "$(nproc)"
cp "$WORK"/steve/bin/fuzz_* "$WORK"/steve/fuzz/fuzz_* "$OUT"
