/// What the files that read text share. text_parse.c goes through the lines and reads the header, text_op.c reads the ops,
/// text_scan.c has the words, numbers and messages that both need.
#ifndef STEVE_CORE_TEXT_INTERNAL_H
#define STEVE_CORE_TEXT_INTERNAL_H

#include "steve/core/codec_internal.h"

/// A piece of the text, not terminated.
struct steve_slice {
    const char *at;
    size_t length;
};

enum steve_header_line {
    STEVE_HEADER_DRIVER,
    STEVE_HEADER_AGAINST,
    STEVE_HEADER_HEAP,
    STEVE_HEADER_BASE,
    STEVE_HEADER_MEMORY,
    STEVE_HEADER_OPTION,
    STEVE_HEADER_THREADS,
    STEVE_HEADER_LINES
};

/// One more than the longest op has: the last one takes what is too much.
#define STEVE_TEXT_WORDS 6u

struct steve_text_parser {
    const struct steve_catalog *catalog;
    const struct steve_driver *driver; ///< of the driver line, if the catalog has it
    struct steve_sequence *sequence;

    const char *name;        ///< of the file
    size_t line;             ///< from 1
    struct steve_slice text; ///< of the line, without comment and blanks around it
    struct steve_slice words[STEVE_TEXT_WORDS];
    size_t count; ///< of words

    size_t header_lines[STEVE_HEADER_LINES]; ///< where each stands; 0: not yet seen
    size_t first_op_line;                    ///< 0: none yet

    char *error;
    size_t error_size;
};

/// Writes `name:line: ` and the message where the caller wants it. @return false, so that a caller can return it
__attribute__((format(printf, 2, 3))) bool steve_text_fail(struct steve_text_parser *parser, const char *format, ...);

/// A piece of the text for messages: cut if long, and whatever is not printable ASCII as \xNN.
struct steve_quote {
    char text[48];
};
struct steve_quote steve_text_quote(struct steve_slice slice);

/// A list for messages, `a, b, c`; what does not fit is cut off.
struct steve_text_list {
    char text[256];
    size_t length;
};
void steve_text_list_add(struct steve_text_list *list, const char *word);

/// Takes the comment and the blanks around it off a line.
struct steve_slice steve_text_strip(struct steve_slice line);
struct steve_slice steve_text_trim(struct steve_slice slice);

/// Cuts a stripped line into the parser's words.
void steve_text_split(struct steve_text_parser *parser, struct steve_slice line);

bool steve_slice_is(struct steve_slice slice, const char *word);

/// Takes a prefix off. @return false if it is not there
bool steve_slice_take(struct steve_slice *slice, const char *prefix);

/// Takes the digits at the beginning off. A number that is too large becomes UINT64_MAX. @return false if there are none
bool steve_slice_take_number(struct steve_slice *slice, uint64_t *value);

/// Reads a word that is a number and nothing else. @param what names it in messages
bool steve_text_number(struct steve_text_parser *parser, struct steve_slice word, const char *what, uint64_t least,
                       uint64_t most, uint64_t *value);

/// Reads the op of the parser's line.
bool steve_text_parse_op(struct steve_text_parser *parser, struct steve_op *op);

#endif
