/// The form for people: what it reads, how it prints, and how it says what is wrong.
#define _GNU_SOURCE // open_memstream

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "steve/test/codec_samples.h"

static struct steve_sequence parsed(const char *text)
{
    struct steve_sequence sequence = {0};
    char error[512] = "";
    if (!steve_text_parse(&samples, "test", text, strlen(text), &sequence, error, sizeof error))
        fail_msg("%s", error);
    return sequence;
}

static char *printed(const struct steve_sequence *sequence)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    const bool well = steve_text_print(&samples, sequence, out);
    fclose(out);
    assert_true(well);
    return text;
}

/// The op on a line of its own.
static struct steve_op parsed_op(const char *line)
{
    char text[200];
    snprintf(text, sizeof text, "steve-ops 1\n%s\n", line);
    struct steve_sequence sequence = parsed(text);
    assert_int_equal(sequence.count, 1);
    const struct steve_op op = sequence.ops[0];
    steve_sequence_free(&sequence);
    return op;
}

static void assert_error_of(const char *text, size_t length, const char *expected)
{
    struct steve_sequence sequence = {0};
    char error[1024] = "";
    assert_false(steve_text_parse(&samples, "f.ops", text, length, &sequence, error, sizeof error));
    assert_string_equal(error, expected);
    assert_null(sequence.ops);
    assert_int_equal(sequence.count, 0);
}

static void assert_error(const char *text, const char *expected)
{
    assert_error_of(text, strlen(text), expected);
}

static const char example[] = "steve-ops 1\n"
                              "driver jeff\n"
                              "heap 65536\n"
                              "malloc s0 100\n"
                              "lock s0\n"
                              "malloc s1 4000\n"
                              "free s1\n"
                              "compact full\n"
                              "unlock s0\n"
                              "free s0\n";

static void the_example_of_the_design_is_printed_as_it_was_read(void **state)
{
    (void)state;
    struct steve_sequence sequence = parsed(example);
    assert_string_equal(sequence.header.driver, "jeff");
    assert_int_equal(sequence.count, 7);
    char *text = printed(&sequence);
    assert_string_equal(text, example);
    free(text);
    steve_sequence_free(&sequence);
}

static void all_header_lines_survive(void **state)
{
    (void)state;
    const char text[] = "steve-ops 1\ndriver jeff\nagainst libc\nheap 1099511627776\nbase 65535\nmemory dirty\noption "
                        "eager\noption scramble\n";
    struct steve_sequence sequence = parsed(text);
    assert_string_equal(sequence.header.against, "libc");
    assert_int_equal(sequence.header.heap_bytes, STEVE_HEAP_LIMIT);
    assert_int_equal(sequence.header.base_offset, 65535);
    assert_int_equal(sequence.header.options, 3);
    assert_true(sequence.header.dirty);
    char *again = printed(&sequence);
    assert_string_equal(again, text);
    free(again);
    steve_sequence_free(&sequence);
}

static void a_header_may_be_left_out(void **state)
{
    (void)state;
    struct steve_sequence sequence = parsed("steve-ops 1\n");
    assert_string_equal(sequence.header.driver, "");
    assert_int_equal(sequence.header.heap_bytes, STEVE_HEAP_DEFAULT);
    assert_int_equal(sequence.count, 0);
    steve_sequence_free(&sequence);
}

static void blanks_comments_and_foreign_line_ends_are_skipped(void **state)
{
    (void)state;
    struct steve_sequence sequence =
        parsed("\n# a comment\r\n  steve-ops 1  # first\r\n\r\n\theap\t7 \r\n  free   s1#x\r\n#free s2\ndrain");
    assert_int_equal(sequence.header.heap_bytes, 7);
    assert_int_equal(sequence.count, 2);
    assert_int_equal(sequence.ops[0].slot, 1);
    assert_int_equal(sequence.ops[1].code, STEVE_OP_DRAIN);
    steve_sequence_free(&sequence);
}

static void sizes_mean_what_they_say(void **state)
{
    (void)state;
    const struct {
        const char *line;
        uint8_t size_class;
        int16_t delta;
        uint16_t arg;
    } cases[] = {
        {"malloc s0 0", STEVE_SIZE_ABSOLUTE, 0, 0},
        {"malloc s0 65535", STEVE_SIZE_ABSOLUTE, -1, 0},
        {"malloc s0 4294967295", STEVE_SIZE_ABSOLUTE, -1, 65535},
        {"malloc s0 100-1", STEVE_SIZE_ABSOLUTE, 99, 0},
        {"malloc s0 65535+2", STEVE_SIZE_ABSOLUTE, 1, 1},
        {"malloc s0 2^0", STEVE_SIZE_POWER, 0, 0},
        {"malloc s0 2^12-8", STEVE_SIZE_POWER + 12, -8, 0},
        {"malloc s0 2^63+32767", STEVE_SIZE_POWER + 63, 32767, 0},
        {"malloc s0 heap/1-32768", STEVE_SIZE_HEAP + 1, -32768, 0},
        {"malloc s0 heap/2+4", STEVE_SIZE_HEAP + 2, 4, 0},
        {"malloc s0 heap/63", STEVE_SIZE_HEAP + 63, 0, 0},
        {"malloc s0 size(s3)+1", STEVE_SIZE_OF_SLOT, 1, 3},
        {"malloc s0 size(s65535)", STEVE_SIZE_OF_SLOT, 0, 65535},
        {"malloc s0 max", STEVE_SIZE_MAX, 0, 0},
        {"malloc s0 max-16", STEVE_SIZE_MAX, 16, 0},
        {"malloc s0 max-65535", STEVE_SIZE_MAX, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct steve_op op = parsed_op(cases[i].line);
        assert_int_equal(op.size_class, cases[i].size_class);
        assert_int_equal(op.delta, cases[i].delta);
        assert_int_equal(op.arg, cases[i].arg);
    }
}

static void ops_are_printed_as_documented(void **state)
{
    (void)state;
    const char *const lines[] = {
        "malloc s0 100",
        "calloc s1 2^12-8",
        "aligned s2 1 heap/2+4",
        "aligned s2 32768 max-16",
        "resize s3 size(s3)+1",
        "free s65535",
        "lock s0",
        "unlock s0",
        "weak-lock s0",
        "purgeable s0",
        "keep s0",
        "write s0",
        "verify s0",
        "compact full",
        "compact 0 us",
        "compact 4294967295 us",
        "compact goal heap/1",
        "drain",
        "check",
        "misuse free stale s0",
        "misuse lock foreign s0",
        "misuse unlock forged s0 63",
        "misuse resize forged s0 0",
        "misuse unlock unlocked s7",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[80];
        const int length = steve_text_op(parsed_op(lines[i]), text, sizeof text);
        assert_string_equal(text, lines[i]);
        assert_int_equal(length, strlen(lines[i]));
    }
}

static void an_op_is_cut_off_where_the_buffer_ends(void **state)
{
    (void)state;
    char text[8] = "xxxxxxx";
    assert_int_equal(steve_text_op(steve_op_sized(STEVE_OP_MALLOC, 0, 100), text, sizeof text),
                     strlen("malloc s0 100"));
    assert_string_equal(text, "malloc ");
    assert_int_equal(steve_text_op(steve_op_sized(STEVE_OP_MALLOC, 0, 100), NULL, 0), strlen("malloc s0 100"));
}

/// Text made of the ops, read back, must give their canonical form.
static void assert_survives(const struct steve_op *ops, size_t count)
{
    const struct steve_sequence sequence = {
        .header = {.heap_bytes = 1}, .ops = (struct steve_op *)(uintptr_t)ops, .count = count};
    char *text = printed(&sequence);
    struct steve_sequence again = parsed(text);
    assert_int_equal(again.count, count);
    for (size_t i = 0; i < count; i++) {
        if (!sample_ops_equal(again.ops[i], steve_op_canonical(ops[i])))
            fail_msg("op %zu of: %s", i, text);
    }
    free(text);
    steve_sequence_free(&again);
}

static void every_code_and_size_class_survives_text(void **state)
{
    (void)state;
    const int16_t deltas[] = {0, 1, -1, INT16_MAX, INT16_MIN};
    for (unsigned code = 0; code < 256; code++) {
        if (steve_op_kind((uint8_t)code) == STEVE_KIND_NONE)
            continue;
        for (unsigned size_class = 0; size_class < 256; size_class++) {
            struct steve_op ops[sizeof deltas / sizeof deltas[0]];
            for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++)
                ops[i] = (struct steve_op){(uint8_t)code, (uint8_t)size_class, 65535, deltas[i], 65535};
            assert_survives(ops, sizeof deltas / sizeof deltas[0]);
        }
    }
}

static void random_ops_survive_text(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (unsigned i = 0; i < 1000; i++) {
        struct steve_op ops[100];
        for (size_t at = 0; at < 100; at++)
            ops[at] = sample_op(&random);
        assert_survives(ops, 100);
    }
}

static void canonical_bytes_survive_text(void **state)
{
    (void)state;
    uint64_t random = 6;
    struct steve_sequence sequence = {0};
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t bytes[STEVE_BYTES_HEADER + 5 * STEVE_BYTES_RECORD];
        for (size_t at = 0; at < sizeof bytes; at++)
            bytes[at] = (uint8_t)sample_random(&random);
        bytes[1] %= 3;
        bytes[STEVE_BYTES_HEADER] = sample_op(&random).code;
        assert_true(steve_bytes_decode(&samples, bytes, sizeof bytes, &sequence));
        size_t before_count;
        uint8_t *before = steve_bytes_encode(&samples, &sequence, &before_count);
        char *text = printed(&sequence);
        struct steve_sequence again = parsed(text);
        size_t after_count;
        uint8_t *after = steve_bytes_encode(&samples, &again, &after_count);

        assert_true(sample_sequences_equal(&sequence, &again));
        assert_int_equal(before_count, after_count);
        assert_memory_equal(before, after, after_count);
        free(before);
        free(after);
        free(text);
        steve_sequence_free(&again);
    }
    steve_sequence_free(&sequence);
}

static void random_text_never_breaks_the_parser(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "steve-ops 1", "\n",     "\n",     " ",      " ",       "driver", "jeff",   "heap",  "65536",
        "malloc",      "s0",     "size(s", ")",      "2^",      "63",     "-",      "+",     "max",
        "heap/",       "misuse", "free",   "stale",  "compact", "full",   "us",     "goal",  "99999999999999999999999",
        "#",           "\t",     "s",      "option", "eager",   "base",   "memory", "dirty", "aligned",
        "forged",      "\xff",   "\r",
    };
    uint64_t random = 7;
    for (unsigned i = 0; i < 100000; i++) {
        char text[256] = "steve-ops 1\n";
        for (unsigned piece = 0; piece < 12; piece++)
            strcat(text, pieces[sample_random(&random) % (sizeof pieces / sizeof pieces[0])]);
        struct steve_sequence sequence = {0};
        char error[200] = "";
        if (!steve_text_parse(&samples, "f", text, strlen(text), &sequence, error, sizeof error))
            assert_memory_equal(error, "f:", 2);
        steve_sequence_free(&sequence);
    }
}

static void a_missing_first_line_is_reported(void **state)
{
    (void)state;
    assert_error("", "f.ops:1: expected 'steve-ops 1' as the first line, and there is none");
    assert_error("\n# nothing\n\n", "f.ops:1: expected 'steve-ops 1' as the first line, and there is none");
    assert_error("\nmalloc s0 1\n", "f.ops:2: expected 'steve-ops 1' as the first line, not 'malloc s0 1'");
    assert_error("steve-ops 2\n", "f.ops:1: expected 'steve-ops 1' as the first line, not 'steve-ops 2'");
}

#define OPS "steve-ops 1\n"

static void unknown_ops_are_reported_with_those_that_there_are(void **state)
{
    (void)state;
    assert_error(
        OPS "mallc s0 1\n",
        "f.ops:2: unknown op 'mallc'; expected one of: malloc, calloc, aligned, resize, free, lock, unlock, weak-lock, "
        "purgeable, keep, write, verify, compact, drain, check, misuse");
    assert_error(OPS "compact\n", "f.ops:2: 'compact' is not complete; expected one of: full, goal, MICROSECONDS us");
    assert_error(OPS "compact all\n",
                 "f.ops:2: unknown 'all' after 'compact'; expected one of: full, goal, MICROSECONDS us");
    assert_error(OPS "compact 5 ms\n", "f.ops:2: expected 'compact MICROSECONDS us', not 'compact 5 ms'");
    assert_error(OPS "misuse s0\n",
                 "f.ops:2: unknown 's0' after 'misuse'; expected one of: free, lock, unlock, resize");
    assert_error(OPS "misuse unlock\n",
                 "f.ops:2: 'misuse unlock' is not complete; expected one of: stale, foreign, forged, unlocked");
    assert_error(OPS "misuse free unlocked s0\n",
                 "f.ops:2: unknown 'unlocked' after 'free'; expected one of: stale, foreign, forged");
}

static void wrong_arguments_are_reported(void **state)
{
    (void)state;
    assert_error(OPS "free\n", "f.ops:2: expected 'free sN', not 'free'");
    assert_error(OPS "free s1 s2\n", "f.ops:2: expected 'free sN', not 'free s1 s2'");
    assert_error(OPS "malloc s1\n", "f.ops:2: expected 'malloc sN SIZE', not 'malloc s1'");
    assert_error(OPS "aligned s1 8\n", "f.ops:2: expected 'aligned sN ALIGNMENT SIZE', not 'aligned s1 8'");
    assert_error(OPS "misuse free forged s1\n",
                 "f.ops:2: expected 'misuse free forged sN BIT', not 'misuse free forged s1'");
    assert_error(OPS "drain s1 s2 s3 s4 s5 s6 s7 s8\n",
                 "f.ops:2: expected 'drain', not 'drain s1 s2 s3 s4 s5 s6 s7 s8'");
    assert_error(OPS "free x9\n", "f.ops:2: expected a slot s0..s65535, not 'x9'");
    assert_error(OPS "free s\n", "f.ops:2: expected a slot s0..s65535, not 's'");
    assert_error(OPS "free s65536\n", "f.ops:2: expected a slot s0..s65535, not 's65536'");
    assert_error(OPS "free s99999999999999999999999\n",
                 "f.ops:2: expected a slot s0..s65535, not 's99999999999999999999999'");
    assert_error(OPS "misuse free forged s0 64\n", "f.ops:2: bit 64 is out of range; expected 0 to 63");
    assert_error(OPS "compact 4294967296 us\n", "f.ops:2: budget 4294967296 is out of range; expected 0 to 4294967295");
    assert_error(OPS "aligned s0 24 1\n", "f.ops:2: expected an alignment, a power of two from 1 to 32768, not '24'");
    assert_error(OPS "aligned s0 65536 1\n",
                 "f.ops:2: expected an alignment, a power of two from 1 to 32768, not '65536'");
    assert_error(OPS "aligned s0 0 1\n", "f.ops:2: expected an alignment, a power of two from 1 to 32768, not '0'");
}

static void wrong_sizes_are_reported(void **state)
{
    (void)state;
    const char *const malformed[] = {"x",    "-1",      "3^4",  "2^",   "2^4+",    "heap",    "heap/",
                                     "max+", "maximum", "100k", "0x10", "heap/2*", "heap/2+x"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        char text[80];
        char expected[160];
        snprintf(text, sizeof text, OPS "malloc s0 %s\n", malformed[i]);
        snprintf(expected, sizeof expected,
                 "f.ops:2: expected a size such as 100, 2^12-8, heap/2+4, size(s3)+1 or max-16, not '%s'",
                 malformed[i]);
        assert_error(text, expected);
    }
    assert_error(
        OPS "malloc s0 4294967296\n",
        "f.ops:2: size '4294967296' is out of range; expected 0 to 4294967295, or one such as 2^40, heap/2 or max-16");
    assert_error(
        OPS "malloc s0 5-6\n",
        "f.ops:2: size '5-6' is out of range; expected 0 to 4294967295, or one such as 2^40, heap/2 or max-16");
    assert_error(OPS "malloc s0 99999999999999999999\n",
                 "f.ops:2: size '99999999999999999999' is out of range; expected 0 to "
                 "4294967295, or one such as 2^40, heap/2 or max-16");
    assert_error(OPS "malloc s0 2^64\n", "f.ops:2: size '2^64' is out of range; expected 2^0 to 2^63");
    assert_error(OPS "malloc s0 heap/0\n", "f.ops:2: size 'heap/0' is out of range; expected heap/1 to heap/63");
    assert_error(OPS "malloc s0 heap/64\n", "f.ops:2: size 'heap/64' is out of range; expected heap/1 to heap/63");
    assert_error(OPS "malloc s0 2^4+32768\n",
                 "f.ops:2: size '2^4+32768' is out of range; expected at most +32767 or -32768 after its first part");
    assert_error(OPS "malloc s0 max-65536\n", "f.ops:2: size 'max-65536' is out of range; expected max-65535 to max");
    assert_error(OPS "malloc s0 max+1\n", "f.ops:2: size 'max+1' is out of range; expected max-65535 to max");
    assert_error(OPS "malloc s0 size(3)\n",
                 "f.ops:2: expected a size such as 100, 2^12-8, heap/2+4, size(s3)+1 or max-16, not "
                 "'size(3)'");
    assert_error(OPS "malloc s0 size(s65536)\n",
                 "f.ops:2: expected the size of a slot, size(s0) to size(s65535), not 'size(s65536)'");
}

static void wrong_headers_are_reported(void **state)
{
    (void)state;
    assert_error(OPS "driver foo\n", "f.ops:2: no driver 'foo'; there are: jeff, libc");
    assert_error(OPS "driver\n", "f.ops:2: expected 'driver NAME', not 'driver' alone");
    assert_error(OPS "against foo\n", "f.ops:2: no driver 'foo'; there are: jeff, libc");
    assert_error(OPS "against\n", "f.ops:2: expected 'against NAME', not 'against' alone");
    assert_error(OPS "against libc\nagainst jeff\n", "f.ops:3: a second 'against'; expected one, and line 2 has it");
    assert_error(OPS "against libc\noption eager\n",
                 "f.ops:3: expected a 'driver' line before 'option': options are a driver's own");
    assert_error(OPS "driver jeff jeff\n", "f.ops:2: no driver 'jeff jeff'; there are: jeff, libc");
    assert_error(OPS "heap 0\n", "f.ops:2: heap size 0 is out of range; expected 1 to 1099511627776");
    assert_error(OPS "heap 1099511627777\n",
                 "f.ops:2: heap size 1099511627777 is out of range; expected 1 to 1099511627776");
    assert_error(OPS "heap big\n", "f.ops:2: expected a heap size, a number from 1 to 1099511627776, not 'big'");
    assert_error(OPS "heap\n", "f.ops:2: expected 'heap BYTES', not 'heap'");
    assert_error(OPS "base 65536\n", "f.ops:2: base 65536 is out of range; expected 0 to 65535");
    assert_error(OPS "memory wet\n", "f.ops:2: expected 'memory zero' or 'memory dirty', not 'memory wet'");
    assert_error(OPS "option eager\n", "f.ops:2: expected a 'driver' line before 'option': options are a driver's own");
    assert_error(OPS "driver jeff\noption lazy\n",
                 "f.ops:3: driver 'jeff' has no option 'lazy'; there are: eager, scramble");
    assert_error(OPS "driver libc\noption lazy\n", "f.ops:3: driver 'libc' has no option 'lazy'; there are: none");
    assert_error(OPS "driver jeff\noption eager\noption eager\n",
                 "f.ops:4: option 'eager' is given twice; expected it once");
    assert_error(OPS "heap 1\n\nheap 2\n", "f.ops:4: a second 'heap'; expected one, and line 2 has it");
    assert_error(OPS "drain\nheap 2\n", "f.ops:3: expected 'heap' before the first op, which is on line 2");
}

static void what_is_no_text_is_reported(void **state)
{
    (void)state;
    const char nul[] = OPS "drain\0\n";
    assert_error_of(nul, sizeof nul - 1, "f.ops:2: expected text, not a NUL byte");
    assert_error(OPS "\x01\xc3\xa9\n",
                 "f.ops:2: unknown op '\\x01\\xc3\\xa9'; expected one of: malloc, calloc, aligned, resize, "
                 "free, lock, unlock, weak-lock, purgeable, keep, write, verify, compact, drain, check, misuse");

    char text[6000] = OPS "drain";
    memset(text + strlen(text), ' ', 5000);
    assert_error(text, "f.ops:2: the line has 5005 characters; expected at most 4096");
}

static void names_of_drivers_outside_the_tree_need_no_catalog(void **state)
{
    (void)state;
    const char *const names[] = {"malloc:/usr/lib/x.so", "./mine.so"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, OPS "driver %s # comment\n", names[i]);
        struct steve_sequence sequence = parsed(text);
        assert_string_equal(sequence.header.driver, names[i]);
        steve_sequence_free(&sequence);
    }
    struct steve_sequence sequence = parsed(OPS "driver ./my driver/a#b.so\n");
    char *text = printed(&sequence);
    assert_string_equal(text, OPS "driver ./my driver/a#b.so\nheap 65536\n");
    free(text);
    steve_sequence_free(&sequence);

    sequence = parsed(OPS "driver ./a#b.so\nagainst ./c#d.so # comment\n");
    assert_string_equal(sequence.header.against, "./c#d.so");
    text = printed(&sequence);
    assert_string_equal(text, OPS "driver ./a#b.so\nagainst ./c#d.so\nheap 65536\n");
    free(text);
    steve_sequence_free(&sequence);
}

static void text_from_windows_is_text(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbfsteve-ops 1\r\nheap 5\r\nmalloc s0 100\r\n";
    assert_true(steve_text_looks_like((const uint8_t *)text, sizeof text - 1));
    struct steve_sequence sequence = parsed(text);
    assert_int_equal(sequence.header.heap_bytes, 5);
    assert_int_equal(sequence.count, 1);
    steve_sequence_free(&sequence);
    assert_true(
        steve_text_looks_like((const uint8_t *)"steve-ops\t1\n", 12)); // and the parser says what is wrong with it
}

static void a_name_that_text_cannot_hold_is_not_printed(void **state)
{
    (void)state;
    const char *const names[] = {"./a\nb", " ./a", "./a ", "./a #b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct steve_sequence sequence = {.header = {.heap_bytes = 1}};
        strcpy(sequence.header.driver, names[i]);
        errno = 0;
        assert_false(steve_text_print(&samples, &sequence, stdout));
        assert_int_equal(errno, EINVAL);
        sequence.header.driver[0] = '\0';
        strcpy(sequence.header.against, names[i]);
        assert_false(steve_text_print(&samples, &sequence, stdout));
    }
}

static void a_name_may_fill_its_field_and_no_more(void **state)
{
    (void)state;
    char text[400];
    snprintf(text, sizeof text, OPS "driver ./%0237d\n", 0);
    struct steve_sequence sequence = parsed(text);
    assert_int_equal(strlen(sequence.header.driver), 239);
    steve_sequence_free(&sequence);
    snprintf(text, sizeof text, OPS "driver ./%0238d\n", 0);
    assert_error(text, "f.ops:2: the driver's name has 240 characters; expected at most 239");
}

static void an_error_is_cut_off_where_the_buffer_ends(void **state)
{
    (void)state;
    struct steve_sequence sequence = {0};
    for (size_t size = 0; size < 40; size++) {
        char error[40];
        memset(error, 'x', sizeof error);
        assert_false(steve_text_parse(&samples, "name", "drain", 5, &sequence, error, size));
        if (size != 0)
            assert_true(memchr(error, '\0', size) != NULL);
        assert_int_equal(error[size], 'x');
    }
    assert_false(steve_text_parse(NULL, NULL, NULL, 0, &sequence, NULL, 0));
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        skip();
    struct steve_sequence sequence = parsed(example);
    assert_false(steve_text_print(&samples, &sequence, full));
    fclose(full);
    steve_sequence_free(&sequence);
}

static bool looks_like(const char *text)
{
    return steve_text_looks_like((const uint8_t *)text, strlen(text));
}

static void text_is_told_from_bytes(void **state)
{
    (void)state;
    assert_true(looks_like(example));
    assert_true(looks_like("\n \r\n# found by a fuzzer\nsteve-ops 1"));
    assert_true(looks_like("steve-ops 9\n"));
    assert_false(looks_like(""));
    assert_false(looks_like("steve-opsy 1\n"));
    assert_false(looks_like("drain\nsteve-ops 1\n"));
    assert_false(looks_like("\x01\x01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_design_is_printed_as_it_was_read),
        cmocka_unit_test(all_header_lines_survive),
        cmocka_unit_test(a_header_may_be_left_out),
        cmocka_unit_test(blanks_comments_and_foreign_line_ends_are_skipped),
        cmocka_unit_test(sizes_mean_what_they_say),
        cmocka_unit_test(ops_are_printed_as_documented),
        cmocka_unit_test(an_op_is_cut_off_where_the_buffer_ends),
        cmocka_unit_test(every_code_and_size_class_survives_text),
        cmocka_unit_test(random_ops_survive_text),
        cmocka_unit_test(canonical_bytes_survive_text),
        cmocka_unit_test(random_text_never_breaks_the_parser),
        cmocka_unit_test(a_missing_first_line_is_reported),
        cmocka_unit_test(unknown_ops_are_reported_with_those_that_there_are),
        cmocka_unit_test(wrong_arguments_are_reported),
        cmocka_unit_test(wrong_sizes_are_reported),
        cmocka_unit_test(wrong_headers_are_reported),
        cmocka_unit_test(what_is_no_text_is_reported),
        cmocka_unit_test(names_of_drivers_outside_the_tree_need_no_catalog),
        cmocka_unit_test(text_from_windows_is_text),
        cmocka_unit_test(a_name_that_text_cannot_hold_is_not_printed),
        cmocka_unit_test(a_name_may_fill_its_field_and_no_more),
        cmocka_unit_test(an_error_is_cut_off_where_the_buffer_ends),
        cmocka_unit_test(a_full_disk_is_noticed),
        cmocka_unit_test(text_is_told_from_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
