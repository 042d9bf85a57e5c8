/// Refuses mutexes on demand, and counts those that end: the linker leads Jeff's calls here (--wrap), and __real_* to the C library.
#include "steve/drivers/jeff/mutex_refused_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

// Weak, since a program may be linked without --wrap, as those are that take Steve from an installed package.
__attribute__((weak)) int __real_pthread_mutexattr_init(pthread_mutexattr_t *attributes);
__attribute__((weak)) int __real_pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type);
__attribute__((weak)) int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
__attribute__((weak)) int __real_pthread_mutex_destroy(pthread_mutex_t *mutex);

int __wrap_pthread_mutexattr_init(pthread_mutexattr_t *attributes);
int __wrap_pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);

static _Thread_local unsigned refused, ended;

int __wrap_pthread_mutexattr_init(pthread_mutexattr_t *attributes)
{
    return refused == 1 ? ENOMEM : __real_pthread_mutexattr_init(attributes);
}

int __wrap_pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type)
{
    return refused == 2 ? EINVAL : __real_pthread_mutexattr_settype(attributes, type);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    return refused == 3 ? EAGAIN : __real_pthread_mutex_init(mutex, attributes);
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    ended++;
    return __real_pthread_mutex_destroy(mutex);
}

bool steve_jeff_refuse_mutexes(unsigned way)
{
    refused = way;
    return __real_pthread_mutexattr_init != NULL;
}

unsigned steve_jeff_mutexes_ended(void)
{
    return ended;
}
