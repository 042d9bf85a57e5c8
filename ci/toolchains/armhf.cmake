# ARM with 32 bits and hardware floating point (ARMv7), run by qemu-user.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_C_FLAGS_INIT -D_FILE_OFFSET_BITS=64) # folders of a 64-bit machine are read
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm)

set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/arm-linux-gnueabihf/pkgconfig:/usr/share/pkgconfig)
