/// What the files of the codec share and nobody else needs: the canonical header, and the words that ops have in text.
#ifndef STEVE_CORE_CODEC_INTERNAL_H
#define STEVE_CORE_CODEC_INTERNAL_H

#include "steve/core/codec.h"
#include "steve/core/external.h"

/// How many options a header has room for: its field is a byte.
#define STEVE_OPTIONS_MAX 8u

/// How many options the driver has, at most STEVE_OPTIONS_MAX. @param driver NULL: an unknown one, which has none
unsigned steve_option_count(const struct steve_driver *driver);

/// The header with its heap in range, and without the options that its driver does not have.
struct steve_header steve_header_canonical(const struct steve_catalog *catalog, const struct steve_header *header);

#define STEVE_FORM_WORDS 3u

/// The words that an op begins with in text; its arguments follow from steve_op_uses_...().
struct steve_text_form {
    uint8_t code;                        ///< STEVE_OP_ALIGNED stands for all alignments
    const char *words[STEVE_FORM_WORDS]; ///< NULL after the last one
};

/// One form for every code but STEVE_OP_COMPACT_BUDGET, whose number stands between its words (`compact 20 us`).
extern const struct steve_text_form steve_text_forms[];
extern const size_t steve_text_form_count;

#endif
