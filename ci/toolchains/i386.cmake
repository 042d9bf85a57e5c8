# x86 with 32 bits, which an x86-64 machine runs as it is. Debian's gcc-12-multilib rather than gcc-multilib: that one cannot
# be installed beside cross compilers. What it lacks in turn, the kernel's headers, is the same for 32 and 64 bits.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc-12)
set(CMAKE_C_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu -D_FILE_OFFSET_BITS=64")

set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/i386-linux-gnu/pkgconfig:/usr/share/pkgconfig)
