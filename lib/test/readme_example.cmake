# The README shows lib/test/example.c word for word. usage: cmake -DROOT=<repository> -P readme_example.cmake
file(READ ${ROOT}/lib/test/example.c example)
file(READ ${ROOT}/README.md readme)
string(FIND "${readme}" "```c\n${example}```\n" place)
if(place EQUAL -1)
    message(FATAL_ERROR "README.md does not show lib/test/example.c as it is: copy it there")
endif()
