/// Signals. Their state is the process's by nature, and so it is static here, as nowhere else.
#define _GNU_SOURCE
#include "steve/find/interrupt.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define NESTED_MOST 4

static atomic_int *_Atomic stop_flags[NESTED_MOST]; ///< the innermost last
static atomic_int nested;
static atomic_int count;
static struct sigaction before[3];
static sigset_t mask_before;
static const int caught[3] = {SIGINT, SIGTERM, SIGCHLD};

static void on_signal(int number)
{
    if (number == SIGCHLD) {
        return; // only to wake up
    }
    atomic_fetch_add(&count, 1);
    for (int i = 0; i < atomic_load(&nested); i++) {
        atomic_store(atomic_load(&stop_flags[i]), 1);
    }
}

static void restore(void)
{
    for (size_t i = 0; i < 3; i++) {
        sigaction(caught[i], &before[i], NULL);
    }
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void steve_interrupt_catch(atomic_int *stop)
{
    if (stop == NULL) {
        if (atomic_load(&nested) > 0 && atomic_fetch_sub(&nested, 1) == 1) {
            restore();
        }
        return;
    }
    int depth = atomic_load(&nested);
    assert(depth < NESTED_MOST);
    atomic_store(&stop_flags[depth], stop);
    atomic_store(&nested, depth + 1);
    if (depth > 0) {
        atomic_store(stop, atomic_load(&count) > 0);
        return;
    }
    atomic_store(&count, 0);

    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD); // let in by the sleep alone, so that none is missed
    sigprocmask(SIG_BLOCK, &blocked, &mask_before);
    for (size_t i = 0; i < 3; i++) {
        sigaction(caught[i], &action, &before[i]);
    }
}

int steve_interrupt_count(void)
{
    return atomic_load(&count);
}

void steve_interruptible_sleep(uint64_t ns)
{
    sigset_t open = mask_before;
    sigdelset(&open, SIGCHLD);
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    ppoll(NULL, 0, &time, &open);
}
