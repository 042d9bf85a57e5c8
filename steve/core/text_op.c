/// Reading one op of the text form: its words, its slot, its size.
#include "steve/core/text_internal.h"

#include <string.h>

#define DELTA_LEAST     (-32768)
#define DELTA_MOST      32767
#define MAX_LESS_MOST   65535 ///< what `max` may have taken off
#define POWER_MOST      63u
#define DIVISOR_MOST    63u
#define ALIGNMENT_MOST  ((uint64_t)1 << (STEVE_OP_ALIGNED_LAST - STEVE_OP_ALIGNED))
#define FORGED_BIT_MOST 63u

/// True if the first `depth` words of the line are those of the form.
static bool begins_like(const struct steve_text_parser *parser, const struct steve_text_form *form, size_t depth)
{
    if (depth > parser->count)
        return false;
    for (size_t i = 0; i < depth; i++) {
        if (form->words[i] == NULL || !steve_slice_is(parser->words[i], form->words[i]))
            return false;
    }
    return true;
}

/// What may stand at word `depth`, given the words before it.
static struct steve_text_list candidates(const struct steve_text_parser *parser, size_t depth)
{
    struct steve_text_list list = {.length = 0};
    const char *last = "";

    for (size_t i = 0; i < steve_text_form_count; i++) {
        const struct steve_text_form *form = &steve_text_forms[i];
        if (!begins_like(parser, form, depth) || form->words[depth] == NULL || strcmp(form->words[depth], last) == 0)
            continue;
        last = form->words[depth];
        steve_text_list_add(&list, last);
    }
    if (depth == 1 && steve_slice_is(parser->words[0], "compact"))
        steve_text_list_add(&list, "MICROSECONDS us");
    return list;
}

static bool fail_at_word(struct steve_text_parser *parser, size_t depth)
{
    const struct steve_text_list expected = candidates(parser, depth);

    if (depth == 0)
        return steve_text_fail(parser, "unknown op '%s'; expected one of: %s", steve_text_quote(parser->words[0]).text,
                               expected.text);
    if (depth == parser->count)
        return steve_text_fail(parser, "'%s' is not complete; expected one of: %s", steve_text_quote(parser->text).text,
                               expected.text);
    return steve_text_fail(parser, "unknown '%s' after '%s'; expected one of: %s",
                           steve_text_quote(parser->words[depth]).text, steve_text_quote(parser->words[depth - 1]).text,
                           expected.text);
}

/// Finds the form whose words the line begins with.
/// @param depth gets the number of these words
/// @return NULL, with a message, if there is none
static const struct steve_text_form *find_form(struct steve_text_parser *parser, size_t *depth)
{
    for (*depth = 0; *depth < STEVE_FORM_WORDS; (*depth)++) {
        const struct steve_text_form *match = NULL;
        for (size_t i = 0; i < steve_text_form_count && match == NULL; i++) {
            if (begins_like(parser, &steve_text_forms[i], *depth + 1))
                match = &steve_text_forms[i];
        }
        if (match == NULL)
            break;
        if (*depth + 1 == STEVE_FORM_WORDS || match->words[*depth + 1] == NULL) {
            ++*depth;
            return match;
        }
    }
    fail_at_word(parser, *depth);
    return NULL;
}

/// The whole op as it is to be written, for messages: `aligned sN ALIGNMENT SIZE`.
static struct steve_quote usage(const struct steve_text_form *form)
{
    struct steve_quote text = {""};
    size_t at = 0;

    for (size_t i = 0; i < STEVE_FORM_WORDS && form->words[i] != NULL; i++)
        at += (size_t)snprintf(text.text + at, sizeof text.text - at, i == 0 ? "%s" : " %s", form->words[i]);
    snprintf(text.text + at, sizeof text.text - at, "%s%s%s%s", steve_op_uses_slot(form->code) ? " sN" : "",
             form->code == STEVE_OP_ALIGNED ? " ALIGNMENT" : "", steve_op_uses_size(form->code) ? " SIZE" : "",
             steve_op_uses_bit(form->code) ? " BIT" : "");
    return text;
}

static size_t argument_count(const struct steve_text_form *form)
{
    return (size_t)steve_op_uses_slot(form->code) + (form->code == STEVE_OP_ALIGNED) +
           (size_t)steve_op_uses_size(form->code) + (size_t)steve_op_uses_bit(form->code);
}

static bool parse_slot(struct steve_text_parser *parser, struct steve_slice word, uint16_t *slot)
{
    struct steve_slice rest = word;
    uint64_t number;

    if (!steve_slice_take(&rest, "s") || !steve_slice_take_number(&rest, &number) || rest.length != 0 ||
        number > UINT16_MAX)
        return steve_text_fail(parser, "expected a slot s0..s65535, not '%s'", steve_text_quote(word).text);
    *slot = (uint16_t)number;
    return true;
}

static bool parse_alignment(struct steve_text_parser *parser, struct steve_slice word, uint8_t *code)
{
    struct steve_slice rest = word;
    uint64_t alignment;

    if (!steve_slice_take_number(&rest, &alignment) || rest.length != 0 || alignment == 0 ||
        alignment > ALIGNMENT_MOST || (alignment & (alignment - 1)) != 0)
        return steve_text_fail(parser, "expected an alignment, a power of two from 1 to %llu, not '%s'",
                               (unsigned long long)ALIGNMENT_MOST, steve_text_quote(word).text);
    *code = STEVE_OP_ALIGNED;
    for (; alignment > 1; alignment /= 2)
        ++*code;
    return true;
}

static bool fail_at_size(struct steve_text_parser *parser, struct steve_slice word)
{
    return steve_text_fail(parser, "expected a size such as 100, 2^12-8, heap/2+4, size(s3)+1 or max-16, not '%s'",
                           steve_text_quote(word).text);
}

/// Reads `+D`, `-D` or nothing, up to the end of the word.
/// @param delta gets its value, clipped far outside of what any size allows
static bool take_delta(struct steve_slice *rest, int64_t *delta)
{
    const int64_t clip = INT64_C(1) << 40;
    uint64_t number;

    *delta = 0;
    if (rest->length == 0)
        return true;
    const bool minus = rest->at[0] == '-';
    if ((!steve_slice_take(rest, "-") && !steve_slice_take(rest, "+")) || !steve_slice_take_number(rest, &number) ||
        rest->length != 0)
        return false;
    *delta = number > (uint64_t)clip ? clip : (int64_t)number;
    if (minus)
        *delta = -*delta;
    return true;
}

/// The rest of a symbolic size, which is its delta.
static bool parse_delta(struct steve_text_parser *parser, struct steve_slice word, struct steve_slice rest,
                        struct steve_op *op)
{
    int64_t delta;

    if (!take_delta(&rest, &delta))
        return fail_at_size(parser, word);
    if (delta < DELTA_LEAST || delta > DELTA_MOST)
        return steve_text_fail(parser, "size '%s' is out of range; expected at most +%d or %d after its first part",
                               steve_text_quote(word).text, DELTA_MOST, DELTA_LEAST);
    op->delta = (int16_t)delta;
    return true;
}

/// The rest of a size after `max`.
static bool parse_less(struct steve_text_parser *parser, struct steve_slice word, struct steve_slice rest,
                       struct steve_op *op)
{
    int64_t delta;

    if (!take_delta(&rest, &delta))
        return fail_at_size(parser, word);
    if (delta > 0 || delta < -MAX_LESS_MOST)
        return steve_text_fail(parser, "size '%s' is out of range; expected max-%d to max", steve_text_quote(word).text,
                               MAX_LESS_MOST);
    op->size_class = STEVE_SIZE_MAX;
    op->delta = steve_op_sized(op->code, op->slot, (uint32_t)-delta).delta;
    return true;
}

/// The rest of a size after a number: `^K` makes it a power of two.
static bool parse_counted(struct steve_text_parser *parser, struct steve_slice word, struct steve_slice rest,
                          uint64_t number, struct steve_op *op)
{
    uint64_t power;
    int64_t delta;

    if (steve_slice_take(&rest, "^")) {
        if (number != 2 || !steve_slice_take_number(&rest, &power))
            return fail_at_size(parser, word);
        if (power > POWER_MOST)
            return steve_text_fail(parser, "size '%s' is out of range; expected 2^0 to 2^%u",
                                   steve_text_quote(word).text, POWER_MOST);
        op->size_class = (uint8_t)(STEVE_SIZE_POWER + power);
        return parse_delta(parser, word, rest, op);
    }

    if (!take_delta(&rest, &delta))
        return fail_at_size(parser, word);
    const int64_t size = (number > UINT32_MAX ? INT64_MAX / 2 : (int64_t)number) + delta;
    if (size < 0 || size > UINT32_MAX)
        return steve_text_fail(parser,
                               "size '%s' is out of range; expected 0 to %llu, or one such as 2^40, heap/2 or max-16",
                               steve_text_quote(word).text, (unsigned long long)UINT32_MAX);
    *op = steve_op_sized(op->code, op->slot, (uint32_t)size);
    return true;
}

static bool parse_size(struct steve_text_parser *parser, struct steve_slice word, struct steve_op *op)
{
    struct steve_slice rest = word;
    uint64_t number;

    if (steve_slice_take_number(&rest, &number))
        return parse_counted(parser, word, rest, number, op);
    if (steve_slice_take(&rest, "max"))
        return parse_less(parser, word, rest, op);
    if (steve_slice_take(&rest, "heap/")) {
        if (!steve_slice_take_number(&rest, &number))
            return fail_at_size(parser, word);
        if (number == 0 || number > DIVISOR_MOST)
            return steve_text_fail(parser, "size '%s' is out of range; expected heap/1 to heap/%u",
                                   steve_text_quote(word).text, DIVISOR_MOST);
        op->size_class = (uint8_t)(STEVE_SIZE_HEAP + number);
        return parse_delta(parser, word, rest, op);
    }
    if (steve_slice_take(&rest, "size(s")) {
        if (!steve_slice_take_number(&rest, &number) || number > UINT16_MAX || !steve_slice_take(&rest, ")"))
            return steve_text_fail(parser, "expected the size of a slot, size(s0) to size(s65535), not '%s'",
                                   steve_text_quote(word).text);
        op->size_class = STEVE_SIZE_OF_SLOT;
        op->arg = (uint16_t)number;
        return parse_delta(parser, word, rest, op);
    }
    return fail_at_size(parser, word);
}

static bool parse_bit(struct steve_text_parser *parser, struct steve_slice word, struct steve_op *op)
{
    uint64_t bit;

    if (!steve_text_number(parser, word, "bit", 0, FORGED_BIT_MOST, &bit))
        return false;
    op->arg = (uint16_t)bit;
    return true;
}

static bool is_budget(const struct steve_text_parser *parser)
{
    return parser->count >= 2 && steve_slice_is(parser->words[0], "compact") && parser->words[1].at[0] >= '0' &&
           parser->words[1].at[0] <= '9';
}

static bool parse_budget(struct steve_text_parser *parser, struct steve_op *op)
{
    uint64_t budget;

    if (parser->count != 3 || !steve_slice_is(parser->words[2], "us"))
        return steve_text_fail(parser, "expected 'compact MICROSECONDS us', not '%s'",
                               steve_text_quote(parser->text).text);
    if (!steve_text_number(parser, parser->words[1], "budget", 0, UINT32_MAX, &budget))
        return false;
    *op = steve_op_sized(STEVE_OP_COMPACT_BUDGET, 0, (uint32_t)budget);
    return true;
}

bool steve_text_parse_op(struct steve_text_parser *parser, struct steve_op *op)
{
    size_t at;

    if (is_budget(parser))
        return parse_budget(parser, op);
    const struct steve_text_form *form = find_form(parser, &at);
    if (form == NULL)
        return false;
    if (parser->count != at + argument_count(form))
        return steve_text_fail(parser, "expected '%s', not '%s'", usage(form).text,
                               steve_text_quote(parser->text).text);

    *op = (struct steve_op){.code = form->code};
    if (steve_op_uses_slot(form->code) && !parse_slot(parser, parser->words[at++], &op->slot))
        return false;
    if (form->code == STEVE_OP_ALIGNED && !parse_alignment(parser, parser->words[at++], &op->code))
        return false;
    if (steve_op_uses_size(form->code) && !parse_size(parser, parser->words[at++], op))
        return false;
    if (steve_op_uses_bit(form->code) && !parse_bit(parser, parser->words[at++], op))
        return false;
    *op = steve_op_canonical(*op);
    return true;
}
