/// Words as a shell takes them, so that what is printed can be copied into a command, or split at blanks.
#ifndef STEVE_REPORT_WORD_H
#define STEVE_REPORT_WORD_H

#include <stdio.h>

/// Prints a word: bare if it can be, else in single quotes. O(length)
void steve_print_word(FILE *out, const char *word);

#endif
