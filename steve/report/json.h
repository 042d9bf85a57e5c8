/// The JSON document of `steve run --json` and `steve replay --json`. It is all that stands on stdout then; messages about bad usage, bad input or a
/// failing environment go to stderr as ever. Numbers are whole where the table says so, however large (up to 2^64 - 1).
/// Fields are added as time goes on, never renamed or taken away while `format` begins with `steve-result 1`.
///
/// | field | |
/// |---|---|
/// | format | `steve-result 1` |
/// | version | of Steve |
/// | command | `run` or `replay` |
/// | verdict | `pass`, `fail` (a finding that is not known), or `error` (the environment failed, see `trouble`) |
/// | trouble | a sentence; null unless the environment failed |
/// | interrupted | true: Ctrl-C; the verdict is about what was run until then |
/// | driver | name; null in a replay in which each file has its own |
/// | against | name of the second driver; null if there is none, or in a replay each file's own |
/// | seed | whole; null where nothing is drawn (a replay, --exhaustive) |
/// | profile, lock_model | names; null where nothing is drawn |
/// | check | light, normal or paranoid |
/// | exhaustive | K of --exhaustive, else null |
/// | options | what else was asked for, null where it was not: heap_bytes, ops, episodes, episode, time_ns, jobs, threads (above 1 alone), op_time_ns, memory_bytes (whole), out, known (folders), without (list of oracles), keep_going, shrink, isolate (true or false) |
/// | files | whole, of a replay: files read; else null |
/// | episodes, ops | whole: how much was run; ops that were skipped count |
/// | digest | 16 hexadecimal digits, as text |
/// | seconds, ops_per_second | numbers |
/// | findings | a list of the distinct findings, the first one found first; see below |
/// | findings_seen | whole: how often anything was found, the same again included |
/// | known | whole: how many of the distinct findings were known |
/// | compactions | whole: compact ops carried out |
/// | locks | {share_of_blocks, share_of_bytes}: what was locked at compactions, 0 to 1 |
/// | moved_blocks, peak_blocks | whole: moves seen; most live blocks at a time |
/// | coverage_of_ops | for each kind of op {done, refused, skipped}, whole |
///
/// Each finding:
///
/// | field | |
/// |---|---|
/// | oracle | name (steve oracles); `roundtrip` for a file that does not survive parsing and printing, which has no op |
/// | episode, op | whole: where it first came; in a replay `episode` is null |
/// | file | in a replay, the file; else null |
/// | slot | whole, or null where no block is concerned |
/// | what | a sentence: what did not hold |
/// | count | whole: how often it came |
/// | known | true: recorded in the folder of --known |
/// | folder, reproducer | where it was saved; null if it was not |
/// | repro_ops | whole: ops of the reproducer |
/// | replay, rerun | commands that show it again, for a shell; may be null |
#ifndef STEVE_REPORT_JSON_H
#define STEVE_REPORT_JSON_H

#include <stdio.h>

#include "steve/report/summary.h"

/// @return false if memory is short or writing failed
bool steve_print_json(FILE *out, const struct steve_summary *summary);

#endif
