/// The verdict in a word, and text that every reader takes.
#include "steve/report/summary.h"

#include <stdlib.h>
#include <string.h>

const char *steve_summary_verdict(const struct steve_summary *summary)
{
    if (summary->failed) {
        return "fail";
    }
    return summary->trouble != NULL ? "error" : "pass";
}

/// Decodes one character. @return how many bytes it has; 0 if they are no UTF-8 (RFC 3629: shortest form, no surrogates)
static size_t decode(const unsigned char *at, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0x80) {
        *character = at[0];
        return 1;
    }
    size_t length = at[0] >> 5 == 0x6 ? 2 : at[0] >> 4 == 0xe ? 3 : at[0] >> 3 == 0x1e ? 4 : 0;
    if (length == 0) {
        return 0;
    }
    *character = at[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (at[i] >> 6 != 2) { // the 0 at the end, too
            return 0;
        }
        *character = *character << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = *character >= 0xd800 && *character < 0xe000;
    return *character < least[length] || *character > 0x10ffff || surrogate ? 0 : length;
}

/// Characters of XML 1.0, section 2.2.
static bool xml_has(uint32_t character)
{
    bool control = character < 0x20 && character != '\t' && character != '\n' && character != '\r';
    return !control && character != 0xfffe && character != 0xffff;
}

char *steve_clean_text(const char *text, bool xml)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const size_t width = sizeof replacement - 1;
    char *clean = malloc(strlen(text) * width + 1);
    if (clean == NULL) {
        return NULL;
    }
    char *end = clean;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        uint32_t character = 0;
        size_t length = decode(at, &character);
        if (length != 0 && (!xml || xml_has(character))) {
            memcpy(end, at, length);
            end += length;
        } else {
            memcpy(end, replacement, width);
            end += width;
        }
        at += length != 0 ? length : 1;
    }
    *end = '\0';
    return clean;
}
