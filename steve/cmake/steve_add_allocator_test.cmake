# steve_add_allocator_test(NAME <name> SOURCES <file>... [LIBRARIES <library>...] [OPS <number>])
#
# Everything that Steve has for one allocator. SOURCES are the driver, which defines `steve_exported_driver` (steve/driver.h), and
# the allocator; LIBRARIES are linked beside them. Makes, of those that this machine's compilers can:
#
#     <name>_stress   the program `steve` with the driver in it: `<name>_stress run`, `replay`, `shrink`, `bench`, ...
#     <name>_fuzz     a libFuzzer target, with ASan and UBSan, and the mutator that knows ops (where all compilers are clang)
#     <name>_afl      an AFL++ target (where afl-clang-fast is found, the sources are C, and there are no LIBRARIES)
#     <name>          a CTest entry: <name>_stress run --seed 1 --ops <OPS, by default 1000000>
#
# What is not made is told when the project is configured.
include_guard()
include(CheckCSourceCompiles)
include(CheckCXXSourceCompiles)

function(steve_add_allocator_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME;OPS" "SOURCES;LIBRARIES")
    if(NOT test_NAME OR NOT test_SOURCES)
        message(FATAL_ERROR "steve_add_allocator_test: expected NAME <name> SOURCES <file>...")
    endif()
    if(test_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "steve_add_allocator_test: expected NAME, SOURCES, LIBRARIES or OPS, not '${test_UNPARSED_ARGUMENTS}'")
    endif()
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if(NOT "C" IN_LIST languages)
        message(FATAL_ERROR "steve_add_allocator_test: expected the language C among the project's (${languages})")
    endif()
    if(NOT DEFINED test_OPS)
        set(test_OPS 1000000)
    elseif(NOT test_OPS MATCHES "^[1-9][0-9]*$")
        message(FATAL_ERROR "steve_add_allocator_test: OPS '${test_OPS}': expected a whole number from 1 on")
    endif()

    add_executable(${test_NAME}_stress ${test_SOURCES})
    target_link_libraries(${test_NAME}_stress PRIVATE ${test_LIBRARIES} steve::driver steve::stress)
    add_test(NAME ${test_NAME} COMMAND ${test_NAME}_stress run --seed 1 --ops ${test_OPS})

    _steve_add_libfuzzer(${test_NAME})
    _steve_add_afl(${test_NAME})
endfunction()

set(_STEVE_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=all)

macro(_steve_add_libfuzzer name)
    set(target "
        #include <stddef.h>
        #include <stdint.h>
        #ifdef __cplusplus
        extern \"C\"
        #endif
        int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return data == NULL && size > 0; }")
    set(CMAKE_REQUIRED_FLAGS "-fsanitize=fuzzer,address,undefined")
    check_c_source_compiles("${target}" STEVE_HAS_LIBFUZZER)
    set(has_libfuzzer ${STEVE_HAS_LIBFUZZER})
    set(cxx_sources ${test_SOURCES})
    list(FILTER cxx_sources INCLUDE REGEX "\\.(C|cc|cpp|cxx|c\\+\\+)$")
    if(cxx_sources AND "CXX" IN_LIST languages) # CC=clang alone leaves C++ to another compiler
        check_cxx_source_compiles("${target}" STEVE_HAS_LIBFUZZER_CXX)
        if(NOT STEVE_HAS_LIBFUZZER_CXX)
            set(has_libfuzzer OFF)
        endif()
    endif()
    unset(CMAKE_REQUIRED_FLAGS)
    if(NOT has_libfuzzer)
        message(STATUS "steve: no ${name}_fuzz: expected clang for all sources (CC=clang CXX=clang++, in a fresh build folder)")
    else()
        add_executable(${name}_fuzz ${test_SOURCES})
        target_compile_options(${name}_fuzz PRIVATE -g -fsanitize=fuzzer-no-link ${_STEVE_SANITIZERS})
        # Nothing else asks for the mutator: to libFuzzer it is optional.
        target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer ${_STEVE_SANITIZERS} -Wl,-u,LLVMFuzzerCustomMutator)
        target_link_libraries(${name}_fuzz PRIVATE ${test_LIBRARIES} steve::driver steve::fuzz)
    endif()
endmacro()

# AFL++ is another compiler, so that this is a command and not a target's property. Include folders and definitions are those
# of the stress test.
macro(_steve_add_afl name)
    find_program(STEVE_AFL_COMPILER NAMES afl-clang-fast)
    mark_as_advanced(STEVE_AFL_COMPILER)
    set(not_c ${test_SOURCES})
    list(FILTER not_c EXCLUDE REGEX "\\.c$")
    if(NOT STEVE_AFL_COMPILER OR not_c OR test_LIBRARIES)
        message(STATUS "steve: no ${name}_afl: expected afl-clang-fast (Debian: afl++), SOURCES in C, and no LIBRARIES")
    else()
        set(sources)
        foreach(source IN LISTS test_SOURCES)
            get_filename_component(source ${source} ABSOLUTE)
            list(APPEND sources ${source})
        endforeach()
        set(includes "$<TARGET_PROPERTY:${name}_stress,INCLUDE_DIRECTORIES>")
        set(definitions "$<TARGET_PROPERTY:${name}_stress,COMPILE_DEFINITIONS>")
        add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_afl
            COMMAND ${CMAKE_COMMAND} -E env AFL_QUIET=1 ${STEVE_AFL_COMPILER} -O2 -g -w
                "$<$<BOOL:${includes}>:-I$<JOIN:${includes},;-I>>" "$<$<BOOL:${definitions}>:-D$<JOIN:${definitions},;-D>>"
                -I${STEVE_INCLUDE_DIR} -I${STEVE_PACKAGE_DIR} ${sources} ${STEVE_PACKAGE_DIR}/fuzz/afl_main.c
                ${STEVE_LIBRARY_DIR}/libsteve_fuzz.a ${STEVE_LIBRARY_DIR}/libsteve_core.a
                -o ${CMAKE_CURRENT_BINARY_DIR}/${name}_afl
            DEPENDS ${sources} COMMAND_EXPAND_LISTS VERBATIM)
        add_custom_target(${name}_afl_target ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}_afl)
    endif()
endmacro()
