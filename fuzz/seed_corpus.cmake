# Packs what a fuzz target begins with, its seeds and what was once a crash, side by side into one archive:
#
#     cmake -DTARGET=<name> -DCORPUS=<folder> -DZIP=<file> -P seed_corpus.cmake
file(GLOB files ${CORPUS}/seeds/${TARGET}/* ${CORPUS}/crashes/${TARGET}/*)
set(names ${files})
list(TRANSFORM names REPLACE ".*/" "")
set(different ${names})
list(REMOVE_DUPLICATES different)
if(NOT "${names}" STREQUAL "${different}")
    message(FATAL_ERROR "${CORPUS}: a seed and a crash of ${TARGET} have the same name; expected two")
endif()

set(folder ${ZIP}.files)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
if(files)
    file(COPY ${files} DESTINATION ${folder})
else()
    file(WRITE ${folder}/empty "") # an archive must have something in it
    set(names empty)
endif()
file(REMOVE ${ZIP})
execute_process(COMMAND ${CMAKE_COMMAND} -E tar cf ${ZIP} --format=zip -- ${names} WORKING_DIRECTORY ${folder}
    COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${folder})
