// Jeff in a page: allocate, lock, use, unlock, compact, free.
#include <stdio.h>
#include <string.h>

#include "jeff.h"

int main(void)
{
    static _Alignas(16) unsigned char memory[65536];
    jeff_heap *heap = jeff_init(memory, sizeof memory, NULL, NULL); // or jeff_create(): pages of its own, and it grows

    jeff_handle name = jeff_malloc(heap, 100); // a handle, not an address: the block may move
    char *text = jeff_lock(heap, name);        // pinned: the address holds until the unlock
    if (!text) {
        fprintf(stderr, "jeff: %s\n", jeff_strerror(jeff_last_status(heap)));
        return 1;
    }
    strcpy(text, "lock, use, unlock");
    jeff_unlock(heap, name);

    jeff_compact(heap, 1); // while the program idles: for at most 1 ms, continued by the next call

    puts(jeff_lock(heap, name)); // wherever it lies now
    jeff_unlock(heap, name);
    return jeff_free(heap, name) ? 0 : 1;
}
