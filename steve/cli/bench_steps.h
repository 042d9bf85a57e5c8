/// The bench: counting the instructions that a call executes, by single-stepping it. Unlike time, the count knows nothing of
/// caches and neighbours: what grows in it grows in the algorithm.
#ifndef STEVE_CLI_BENCH_STEPS_H
#define STEVE_CLI_BENCH_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#define BENCH_CAN_COUNT_STEPS 1
#else
#define BENCH_CAN_COUNT_STEPS 0
#endif

/// Gets ready; takes SIGTRAP. @return false if steps cannot be counted here
bool bench_steps_open(void);

/// From here on each instruction traps, 1 to 50 us each, until the deadline (by bench_cpu_ns()), after which it goes on
/// at full speed.
static inline void bench_steps_begin(uint64_t deadline_ns);

/// @return instructions since bench_steps_begin(); 0 if the deadline came first
static inline uint64_t bench_steps_end(void);

// What follows is how it is done.

extern volatile uint64_t bench_steps_count;
extern volatile uint64_t bench_steps_deadline_ns;
extern volatile bool bench_steps_late;

enum { BENCH_TRAP_FLAG = 0x100 };

static inline void bench_steps_begin(uint64_t deadline_ns)
{
    bench_steps_deadline_ns = deadline_ns;
    bench_steps_late = false;
    bench_steps_count = 0;
#if BENCH_CAN_COUNT_STEPS
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | BENCH_TRAP_FLAG);
#endif
}

static inline uint64_t bench_steps_end(void)
{
#if BENCH_CAN_COUNT_STEPS
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)BENCH_TRAP_FLAG);
#endif
    return bench_steps_late ? 0 : bench_steps_count;
}

#endif
