# What `cmake --install` puts where, so that others find Steve with find_package(steve):
#
#     bin/steve    include/steve/driver.h    lib/steve/: *.a, steve_mutator.so    lib/cmake/steve/: steveConfig.cmake and what it needs
#
# A package is made of plain code: with a sanitizer or an engine in it every program would have to be linked with that.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(STEVE_SANITIZE OR STEVE_TSAN OR STEVE_COVERAGE OR NOT STEVE_ENGINE STREQUAL "none")
    install(CODE "message(FATAL_ERROR \"a build with sanitizers, coverage or an engine cannot be installed: take preset release\")")
    return()
endif()

# Adds the static libraries that a target is made of to the list <out>, the target included.
function(steve_static_libraries target out)
    set(found ${${out}})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "STATIC_LIBRARY" AND NOT target IN_LIST found)
        list(APPEND found ${target})
        get_target_property(libraries ${target} LINK_LIBRARIES)
        foreach(library IN LISTS libraries)
            if(TARGET ${library})
                steve_static_libraries(${library} found)
            endif()
        endforeach()
    endif()
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# The fuzz target for a driver that is linked in. Its main() is the engine's, or comes with the package (AFL++). So does the mutator:
# libFuzzer's is taken out of this archive by name (steveConfig.cmake), afl-fuzz loads steve_mutator.so (fuzz/CMakeLists.txt).
steve_add_library(steve_fuzz steve_gen steve_core SOURCES ../fuzz/fuzz_driver.c ../fuzz/episode.c ../fuzz/linked_in.c ../fuzz/replay.c
    ../fuzz/mutate.c ../fuzz/mutate_draw.c ../fuzz/mutate_situation.c ../fuzz/mutate_fit.c ../fuzz/mutate_canonical.c ../fuzz/mutate_libfuzzer.c)
target_compile_definitions(steve_fuzz PRIVATE FUZZ_FAMILY="" FUZZ_TARGET="fuzz")

set(STEVE_ARCHIVES)
steve_static_libraries(steve_cli STEVE_ARCHIVES)
steve_static_libraries(steve_fuzz STEVE_ARCHIVES)
install(TARGETS steve RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${STEVE_ARCHIVES} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/steve)
install(FILES driver.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/steve)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/steve)
configure_package_config_file(cmake/steveConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/steveConfig.cmake
    INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/steveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/steveConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/steveConfigVersion.cmake
    cmake/steve_add_allocator_test.cmake DESTINATION ${package})
install(FILES ${PROJECT_SOURCE_DIR}/fuzz/afl_main.c ${PROJECT_SOURCE_DIR}/fuzz/target.h DESTINATION ${package}/fuzz)
