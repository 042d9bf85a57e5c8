/// Looking at something in a child process: a body runs there, says what is wrong, and leaves its answer in shared
/// memory. Its crash or its endless loop is one more thing that is wrong.
#ifndef STEVE_FIND_LOOK_H
#define STEVE_FIND_LOOK_H

#include "steve/core/contract.h"
#include "steve/find/child.h"

/// The beginning of the shared memory; an answer follows it.
struct steve_look {
    struct steve_page page;
    char lines[4096]; ///< what is wrong, each ended by a 0
    size_t length;    ///< of them
};

/// In the child: says that something is wrong. What does not fit is dropped. A steve_say.
void steve_look_say(void *look, const char *line);

/// Starts a child for `body`, waits until it is gone, and says what was wrong.
/// @param look zeroed shared memory (steve_shared_map)
/// @return true if nothing was
bool steve_look_in_child(struct steve_look *look, void (*body)(void *context), void *context, steve_say *say,
                         void *say_context);

#endif
