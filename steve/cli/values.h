/// Values on the command line: counts, sizes and times. Each parser takes the whole text or nothing.
#ifndef STEVE_CLI_VALUES_H
#define STEVE_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/// 1234, or 0x4d2. @return false if it is anything else, or past 2^64 - 1
bool steve_parse_count(const char *text, uint64_t *value);

/// Bytes: 1234, 64K, 2G, 1T, also 64KiB; K is 1024. @return false if it is anything else, or past 2^64 - 1
bool steve_parse_size(const char *text, uint64_t *bytes);

/// 10s, 500ms, 2m, 1h, 100us, 1.5s; a bare number is seconds. @return false if it is anything else, or past 2^63 ns
bool steve_parse_time(const char *text, uint64_t *ns);

#endif
