/// The scene of a finding (steve/core/scene.h) as text: the heap drawn to scale, its blocks as a table, and the bytes that were wrong.
#ifndef STEVE_REPORT_PICTURE_H
#define STEVE_REPORT_PICTURE_H

#include <stdio.h>

#include "steve/core/oracle.h"
#include "steve/core/scene.h"

#define STEVE_PICTURE_COLUMNS 64u ///< of one row of the drawing
#define STEVE_PICTURE_ROWS    8u  ///< at most

/// The drawing: every column stands for as many bytes, `[` begins the extent of a block, then comes its slot where it fits.
///
///     0x00000 ::::[s0------][s3#######].....[s1---------------------]..........
///
/// `-` a block, `#` a locked one, `*` the one of the finding, `!` two at a time, `.` free, `:` the allocator's own
void steve_print_picture(FILE *out, const struct steve_scene *scene, const struct steve_finding *finding);

/// The blocks around that of the finding, one a line, with the free runs between them.
void steve_print_blocks(FILE *out, const struct steve_scene *scene, const struct steve_finding *finding);

/// Expected and actual bytes, 16 a line, those that differ underlined. Nothing if no bytes were compared.
void steve_print_bytes(FILE *out, const struct steve_scene *scene);

#endif
