/// Ctrl-C and SIGTERM: a run ends cleanly, with its verdict. The second time it ends at once, with what is known.
#ifndef STEVE_FIND_INTERRUPT_H
#define STEVE_FIND_INTERRUPT_H

#include <stdatomic.h>
#include <stdint.h>

/// From here on the signals set `*stop` to 1 instead of ending the process. Calls nest, as a finding is shrunk in the middle of a run: a
/// signal sets the flags of all. NULL: as before the innermost call.
/// SIGCHLD is made to end steve_interruptible_sleep() too.
void steve_interrupt_catch(atomic_int *stop);

/// How often a signal has come since the outermost steve_interrupt_catch().
int steve_interrupt_count(void);

/// Sleeps until a child changes its state, a signal of the above comes or the time is over; none of them is missed, also
/// when it came before the call.
void steve_interruptible_sleep(uint64_t ns);

#endif
