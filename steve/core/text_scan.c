/// Words, numbers and messages of the text form.
#include "steve/core/text_internal.h"

#include <stdarg.h>
#include <string.h>

bool steve_text_fail(struct steve_text_parser *parser, const char *format, ...)
{
    if (parser->error == NULL || parser->error_size == 0)
        return false;

    const int used = snprintf(parser->error, parser->error_size, "%s:%zu: ", parser->name, parser->line);
    if (used < 0 || (size_t)used >= parser->error_size)
        return false;

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->error + used, parser->error_size - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

struct steve_quote steve_text_quote(struct steve_slice slice)
{
    struct steve_quote quote;
    const size_t room = sizeof quote.text - sizeof "...";
    size_t at = 0;
    size_t i = 0;

    for (; i < slice.length; i++) {
        const unsigned char c = (unsigned char)slice.at[i];
        const bool plain = c >= ' ' && c < 0x7f;
        if (at + (plain ? 1u : 4u) > room)
            break;
        at += (size_t)snprintf(quote.text + at, sizeof quote.text - at, plain ? "%c" : "\\x%02x", c);
    }
    snprintf(quote.text + at, sizeof quote.text - at, "%s", i < slice.length ? "..." : "");
    return quote;
}

void steve_text_list_add(struct steve_text_list *list, const char *word)
{
    const size_t room = sizeof list->text - list->length;
    const int wanted = snprintf(list->text + list->length, room, "%s%s", list->length == 0 ? "" : ", ", word);
    if (wanted > 0)
        list->length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/// The carriage return is one for the sake of files from Windows.
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct steve_slice steve_text_trim(struct steve_slice slice)
{
    while (slice.length != 0 && is_blank(slice.at[0])) {
        slice.at++;
        slice.length--;
    }
    while (slice.length != 0 && is_blank(slice.at[slice.length - 1]))
        slice.length--;
    return slice;
}

static bool begins_with_word(struct steve_slice line, const char *word)
{
    return steve_slice_take(&line, word) && line.length != 0 && is_blank(line.at[0]);
}

struct steve_slice steve_text_strip(struct steve_slice line)
{
    line = steve_text_trim(line);

    // A driver's name may be a path with a `#` in it: there a comment needs a blank before it.
    const bool has_name = begins_with_word(line, "driver") || begins_with_word(line, "against");
    for (size_t i = 0; i < line.length; i++) {
        if (line.at[i] == '#' && (!has_name || is_blank(line.at[i - 1])))
            line.length = i;
    }
    return steve_text_trim(line);
}

void steve_text_split(struct steve_text_parser *parser, struct steve_slice line)
{
    parser->text = line;
    parser->count = 0;
    while (line.length != 0) {
        size_t end = 0;
        while (end < line.length && !is_blank(line.at[end]))
            end++;
        if (parser->count + 1 == STEVE_TEXT_WORDS)
            end = line.length;
        parser->words[parser->count++] = (struct steve_slice){line.at, end};
        line = steve_text_trim((struct steve_slice){line.at + end, line.length - end});
    }
}

bool steve_slice_is(struct steve_slice slice, const char *word)
{
    return slice.length == strlen(word) && memcmp(slice.at, word, slice.length) == 0;
}

bool steve_slice_take(struct steve_slice *slice, const char *prefix)
{
    const size_t length = strlen(prefix);
    if (slice->length < length || memcmp(slice->at, prefix, length) != 0)
        return false;
    slice->at += length;
    slice->length -= length;
    return true;
}

bool steve_slice_take_number(struct steve_slice *slice, uint64_t *value)
{
    size_t digits = 0;

    *value = 0;
    for (; digits < slice->length && slice->at[digits] >= '0' && slice->at[digits] <= '9'; digits++) {
        const unsigned digit = (unsigned)(slice->at[digits] - '0');
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    slice->at += digits;
    slice->length -= digits;
    return digits != 0;
}

bool steve_text_number(struct steve_text_parser *parser, struct steve_slice word, const char *what, uint64_t least,
                       uint64_t most, uint64_t *value)
{
    struct steve_slice rest = word;

    if (!steve_slice_take_number(&rest, value) || rest.length != 0)
        return steve_text_fail(parser, "expected a %s, a number from %llu to %llu, not '%s'", what,
                               (unsigned long long)least, (unsigned long long)most, steve_text_quote(word).text);
    if (*value < least || *value > most)
        return steve_text_fail(parser, "%s %s is out of range; expected %llu to %llu", what,
                               steve_text_quote(word).text, (unsigned long long)least, (unsigned long long)most);
    return true;
}
