/// The scope in words.
#include "steve/cli/scope.h"

#include <inttypes.h>
#include <string.h>

#include "steve/core/codec.h"

#define COLUMNS 80u

/// How many sequences a worker manages in a second, roughly, for the guess beforehand.
#define RATE UINT64_C(200000)

/// What takes longer than this is said beforehand, in seconds.
#define LONG UINT64_C(30)

static void print_alphabet(FILE *out, const struct steve_exhaustive *all)
{
    fprintf(out, "alphabet: %u ops, those on s0 also on s1, in a heap of %" PRIu64 " bytes\n", all->op_count,
            all->header.heap_bytes);
    size_t column = 0;
    for (unsigned i = 0; i < all->op_count; i++) {
        if (all->ops[i].slot != 0) {
            continue;
        }
        char text[64];
        steve_text_op(all->ops[i], text, sizeof text);
        if (column + strlen(text) + 3 > COLUMNS) {
            fprintf(out, ",\n");
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%s", column == 0 ? "  " : ", ", text);
    }
    fputc('\n', out);
}

static void print_guess(FILE *out, uint64_t seconds)
{
    if (seconds < LONG) {
        return;
    }
    if (seconds < 600) {
        fprintf(out, "this may take some %" PRIu64 " s\n", seconds);
    } else if (seconds < 36000) {
        fprintf(out, "this may take some %" PRIu64 " minutes\n", seconds / 60);
    } else {
        fprintf(out, "this may take some %" PRIu64 " hours\n", seconds / 3600);
    }
}

void steve_scope_print(FILE *out, const struct steve_exhaustive *all, unsigned jobs)
{
    uint64_t count = steve_exhaustive_count(all);
    print_alphabet(out, all);
    fprintf(out, "sequences of up to %u ops: %" PRIu64 "\n", all->longest, count);
    print_guess(out, count / (RATE * jobs));
}

void steve_scope_print_result(FILE *out, const struct steve_exhaustive *all, uint64_t run, uint64_t voided)
{
    fprintf(out, "sequences run: %" PRIu64 " of %" PRIu64 ", of them %" PRIu64 " different ones\n", run,
            steve_exhaustive_count(all), run - voided);
}
