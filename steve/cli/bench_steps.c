/// The bench: counting instructions. The processor traps after each one while the trap flag is set; the handler counts.
#define _GNU_SOURCE
#include "steve/cli/bench_steps.h"

#include <signal.h>
#include <stddef.h>

#include "steve/cli/bench_internal.h"

/// Looking at the clock takes longer than a step.
#define STEPS_A_LOOK 256u

volatile uint64_t bench_steps_count;
volatile uint64_t bench_steps_deadline_ns;
volatile bool bench_steps_late;

#if BENCH_CAN_COUNT_STEPS

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    bench_steps_count++;
    if (bench_steps_count % STEPS_A_LOOK == 0 && bench_cpu_ns() > bench_steps_deadline_ns) {
        bench_steps_late = true;
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)BENCH_TRAP_FLAG;
    }
}

bool bench_steps_open(void)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTRAP, &action, NULL) != 0)
        return false;
    bench_steps_begin(UINT64_MAX);
    return bench_steps_end() > 0; // an emulator may know nothing of the flag
}

#else

bool bench_steps_open(void)
{
    return false;
}

#endif
