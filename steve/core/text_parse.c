/// The form for people, inwards: text to a sequence, one line at a time. The grammar is in codec.h; ops are text_op.c's,
/// words and numbers text_scan.c's. The first mistake ends it, with a message that says what was expected in its place.
#include "steve/core/text_internal.h"

#include <string.h>

/// Far longer than any op or path. A longer line is more likely a file that is no text.
#define LINE_LENGTH_MAX 4096u

static const char *const header_names[STEVE_HEADER_LINES] = {
    [STEVE_HEADER_DRIVER] = "driver",   [STEVE_HEADER_AGAINST] = "against", [STEVE_HEADER_HEAP] = "heap",
    [STEVE_HEADER_BASE] = "base",       [STEVE_HEADER_MEMORY] = "memory",   [STEVE_HEADER_OPTION] = "option",
    [STEVE_HEADER_THREADS] = "threads",
};

/// The one argument of a header line.
static bool header_argument(struct steve_text_parser *parser, const char *usage, struct steve_slice *word)
{
    if (parser->count != 2)
        return steve_text_fail(parser, "expected '%s', not '%s'", usage, steve_text_quote(parser->text).text);
    *word = parser->words[1];
    return true;
}

/// The name on a driver's line. @param line STEVE_HEADER_DRIVER or STEVE_HEADER_AGAINST
static bool parse_name(struct steve_text_parser *parser, enum steve_header_line line, char into[STEVE_DRIVER_NAME_SIZE])
{
    if (parser->count < 2)
        return steve_text_fail(parser, "expected '%s NAME', not '%s' alone", header_names[line], header_names[line]);

    // All of the line, since a path may have blanks.
    struct steve_slice name = parser->text;
    steve_slice_take(&name, header_names[line]);
    name = steve_text_trim(name);
    if (name.length >= STEVE_DRIVER_NAME_SIZE)
        return steve_text_fail(parser, "the driver's name has %zu characters; expected at most %zu", name.length,
                               (size_t)STEVE_DRIVER_NAME_SIZE - 1);
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
            return steve_text_fail(parser, "expected a driver's name without control characters, not '%s'",
                                   steve_text_quote(name).text);
    }
    memcpy(into, name.at, name.length);

    // Drivers outside the box are loaded only if it must be known what they are: for an option, or to be run.
    if (steve_driver_name_is_path(into))
        return true;
    const struct steve_driver *driver = steve_catalog_by_name(parser->catalog, into);
    if (line == STEVE_HEADER_DRIVER)
        parser->driver = driver;
    if (driver != NULL)
        return true;
    struct steve_text_list known = {.length = 0};
    for (size_t i = 0; parser->catalog != NULL && i < parser->catalog->count; i++)
        steve_text_list_add(&known, parser->catalog->drivers[i]->name);
    return steve_text_fail(parser, "no driver '%s'; there are: %s", steve_text_quote(name).text,
                           known.length == 0 ? "none" : known.text);
}

static bool parse_heap(struct steve_text_parser *parser)
{
    struct steve_slice word;
    return header_argument(parser, "heap BYTES", &word) &&
           steve_text_number(parser, word, "heap size", 1, STEVE_HEAP_LIMIT, &parser->sequence->header.heap_bytes);
}

static bool parse_base(struct steve_text_parser *parser)
{
    struct steve_slice word;
    uint64_t units;
    if (!header_argument(parser, "base UNITS", &word) ||
        !steve_text_number(parser, word, "base", 0, UINT16_MAX, &units))
        return false;
    parser->sequence->header.base_offset = (uint16_t)units;
    return true;
}

static bool parse_memory(struct steve_text_parser *parser)
{
    struct steve_slice word;
    if (!header_argument(parser, "memory zero|dirty", &word))
        return false;
    if (!steve_slice_is(word, "zero") && !steve_slice_is(word, "dirty"))
        return steve_text_fail(parser, "expected 'memory zero' or 'memory dirty', not 'memory %s'",
                               steve_text_quote(word).text);
    parser->sequence->header.dirty = steve_slice_is(word, "dirty");
    return true;
}

static bool parse_threads(struct steve_text_parser *parser)
{
    struct steve_slice word;
    uint64_t threads;
    if (!header_argument(parser, "threads NUMBER", &word) ||
        !steve_text_number(parser, word, "number of threads", 1, STEVE_THREADS_MOST, &threads))
        return false;
    parser->sequence->header.threads = (uint8_t)(threads > 1 ? threads : 0);
    return true;
}

static bool parse_option(struct steve_text_parser *parser)
{
    struct steve_header *header = &parser->sequence->header;
    struct steve_slice word;
    if (!header_argument(parser, "option NAME", &word))
        return false;
    if (parser->header_lines[STEVE_HEADER_DRIVER] == 0)
        return steve_text_fail(parser, "expected a 'driver' line before 'option': options are a driver's own");

    if (parser->driver == NULL)
        parser->driver = steve_catalog_by_name(parser->catalog, header->driver);

    struct steve_text_list known = {.length = 0};
    for (unsigned i = 0; i < steve_option_count(parser->driver); i++) {
        const char *option = parser->driver->options[i];
        steve_text_list_add(&known, option);
        if (!steve_slice_is(word, option))
            continue;
        if (header->options >> i & 1)
            return steve_text_fail(parser, "option '%s' is given twice; expected it once", option);
        header->options = (uint8_t)(header->options | 1u << i);
        return true;
    }
    const struct steve_slice driver = {header->driver, strlen(header->driver)};
    return steve_text_fail(parser, "driver '%s' has no option '%s'; there are: %s", steve_text_quote(driver).text,
                           steve_text_quote(word).text, known.length == 0 ? "none" : known.text);
}

/// @return STEVE_HEADER_LINES if the line's first word is no header's
static enum steve_header_line which_header(const struct steve_text_parser *parser)
{
    for (unsigned i = 0; i < STEVE_HEADER_LINES; i++) {
        if (steve_slice_is(parser->words[0], header_names[i]))
            return (enum steve_header_line)i;
    }
    return STEVE_HEADER_LINES;
}

static bool parse_header_line(struct steve_text_parser *parser, enum steve_header_line which)
{
    if (parser->first_op_line != 0)
        return steve_text_fail(parser, "expected '%s' before the first op, which is on line %zu", header_names[which],
                               parser->first_op_line);
    if (parser->header_lines[which] != 0 && which != STEVE_HEADER_OPTION)
        return steve_text_fail(parser, "a second '%s'; expected one, and line %zu has it", header_names[which],
                               parser->header_lines[which]);
    parser->header_lines[which] = parser->line;

    switch (which) {
    case STEVE_HEADER_DRIVER:
        return parse_name(parser, which, parser->sequence->header.driver);
    case STEVE_HEADER_AGAINST:
        return parse_name(parser, which, parser->sequence->header.against);
    case STEVE_HEADER_HEAP:
        return parse_heap(parser);
    case STEVE_HEADER_BASE:
        return parse_base(parser);
    case STEVE_HEADER_MEMORY:
        return parse_memory(parser);
    case STEVE_HEADER_THREADS:
        return parse_threads(parser);
    default:
        return parse_option(parser);
    }
}

/// Takes the thread's number in front of an op off the line. Without one it is the first thread's.
static bool parse_thread(struct steve_text_parser *parser, unsigned *thread)
{
    const unsigned threads = parser->sequence->header.threads;
    struct steve_slice word = parser->words[0];
    uint64_t number;

    *thread = 0;
    if (!steve_slice_take(&word, "@"))
        return true;
    if (threads < 2)
        return steve_text_fail(parser, "expected '@' only after a 'threads' line that says 2 or more");
    if (!steve_text_number(parser, word, "thread", 0, threads - 1, &number))
        return false;
    *thread = (unsigned)number;
    struct steve_slice rest = parser->text;
    rest.at += parser->words[0].length;
    rest.length -= parser->words[0].length;
    rest = steve_text_trim(rest);
    if (rest.length == 0)
        return steve_text_fail(parser, "expected '@THREAD OP', not '%s' alone", steve_text_quote(parser->text).text);
    steve_text_split(parser, rest);
    return true;
}

static bool parse_op_line(struct steve_text_parser *parser)
{
    struct steve_op op;
    unsigned thread;
    if (!parse_thread(parser, &thread) || !steve_text_parse_op(parser, &op))
        return false;
    op = thread == 0 ? op : steve_op_on_thread(steve_op_canonical(op), thread);
    if (parser->first_op_line == 0)
        parser->first_op_line = parser->line;
    return steve_sequence_push(parser->sequence, op) || steve_text_fail(parser, "memory is short");
}

static bool is_magic(struct steve_slice line)
{
    return steve_slice_is(line, STEVE_TEXT_MAGIC);
}

/// The next line of `rest`, without its end.
static struct steve_slice take_line(struct steve_slice *rest)
{
    struct steve_slice line = *rest;
    const char *end = memchr(rest->at, '\n', rest->length);

    if (end != NULL)
        line.length = (size_t)(end - rest->at);
    const size_t taken = line.length + (end != NULL ? 1u : 0u);
    rest->at += taken;
    rest->length -= taken;
    return line;
}

static bool parse_line(struct steve_text_parser *parser, struct steve_slice line, bool *begun)
{
    if (line.length > LINE_LENGTH_MAX)
        return steve_text_fail(parser, "the line has %zu characters; expected at most %u", line.length,
                               LINE_LENGTH_MAX);
    if (memchr(line.at, '\0', line.length) != NULL)
        return steve_text_fail(parser, "expected text, not a NUL byte");

    line = steve_text_strip(line);
    if (line.length == 0)
        return true;
    if (!*begun) {
        *begun = is_magic(line);
        return *begun || steve_text_fail(parser, "expected '%s' as the first line, not '%s'", STEVE_TEXT_MAGIC,
                                         steve_text_quote(line).text);
    }
    steve_text_split(parser, line);
    const enum steve_header_line which = which_header(parser);
    return which == STEVE_HEADER_LINES ? parse_op_line(parser) : parse_header_line(parser, which);
}

static bool parse_lines(struct steve_text_parser *parser, struct steve_slice rest)
{
    bool begun = false;

    while (rest.length != 0) {
        parser->line++;
        if (!parse_line(parser, take_line(&rest), &begun))
            return false;
    }
    if (begun)
        return true;
    parser->line = 1;
    return steve_text_fail(parser, "expected '%s' as the first line, and there is none", STEVE_TEXT_MAGIC);
}

/// Editors on Windows may put a byte order mark in front.
static struct steve_slice without_mark(struct steve_slice text)
{
    steve_slice_take(&text, "\xef\xbb\xbf");
    return text;
}

bool steve_text_parse(const struct steve_catalog *catalog, const char *name, const char *text, size_t length,
                      struct steve_sequence *sequence, char *error, size_t error_size)
{
    struct steve_text_parser parser = {
        .catalog = catalog,
        .sequence = sequence,
        .name = name == NULL ? "text" : name,
        .error = error,
        .error_size = error_size,
    };

    sequence->header = (struct steve_header){.heap_bytes = STEVE_HEAP_DEFAULT};
    sequence->count = 0;
    if (parse_lines(&parser, without_mark((struct steve_slice){text, length})))
        return true;
    steve_sequence_free(sequence);
    return false;
}

/// A wrong version still looks like text: a person wrote it, and is better served by the parser's message.
bool steve_text_looks_like(const uint8_t *bytes, size_t count)
{
    struct steve_slice rest = without_mark((struct steve_slice){(const char *)bytes, count});

    while (rest.length != 0) {
        struct steve_slice line = steve_text_strip(take_line(&rest));
        if (line.length != 0)
            return steve_slice_take(&line, "steve-ops") &&
                   (line.length == 0 || line.at[0] == ' ' || line.at[0] == '\t');
    }
    return false;
}
