/// The default mutex of a shared heap for POSIX. A target without it leaves this file empty.
#define _XOPEN_SOURCE 700
#include "gate_internal.h"

#if HAS_SHARED && HAS_POSIX

#include <pthread.h>
#include <sched.h>

static_assert(sizeof(pthread_mutex_t) <= sizeof((struct jeff_shared *)0)->mutex, "the mutex has its place in the heap");

static void lock(void *context)
{
    (void)pthread_mutex_lock(context);
}

static void unlock(void *context)
{
    (void)pthread_mutex_unlock(context);
}

static void yield(void *context)
{
    (void)context;
    (void)sched_yield();
}

bool jeff_posix_mutex(struct jeff_mutex_hooks *hooks, void *place)
{
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    const bool made = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0 &&
                      pthread_mutex_init(place, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    *hooks = (struct jeff_mutex_hooks){.lock = lock, .unlock = unlock, .yield = yield, .context = place};
    return made;
}

void jeff_posix_mutex_end(void *place)
{
    (void)pthread_mutex_destroy(place);
}

#endif
