/// Drawing the scene.
#include "steve/report/picture.h"

#include <inttypes.h>
#include <string.h>

#define CELLS (STEVE_PICTURE_COLUMNS * STEVE_PICTURE_ROWS)

/// How many blocks of the table stand on each side of the one of the finding.
#define TABLE_BESIDE 12u

#define BYTES_IN_LINE 16u

/// The part of the address space that is drawn, in offsets.
struct window {
    uint64_t begin;
    uint64_t end;
    uint64_t scale; ///< bytes in a column
    size_t cells;
};

/// A driver may state an extent that goes beyond all addresses: that is a finding, and is to be drawn.
static uint64_t end_of(const struct steve_scene_block *block)
{
    return block->extent <= UINT64_MAX - block->begin ? block->begin + block->extent : UINT64_MAX;
}

static bool is_subject(const struct steve_scene_block *block, const struct steve_finding *finding)
{
    return finding->has_slot && block->slot == finding->slot;
}

static uint64_t round_scale(uint64_t scale)
{
    uint64_t rounded = 1;
    while (rounded < scale) {
        rounded *= 2;
    }
    return rounded;
}

/// All of a region if all its blocks are known; else where the known ones lie. Fewer rows do for a heap of few bytes.
static struct window choose_window(const struct steve_scene *scene)
{
    struct window window = {0, 0, 1, 0};
    bool all = scene->has_region && scene->left_out_below == 0 && scene->left_out_above == 0;
    if (all) {
        window.end = scene->heap_bytes;
    } else if (scene->count > 0) {
        window.begin = scene->blocks[0].begin;
    }
    for (size_t i = 0; i < scene->count; i++) {
        uint64_t end = end_of(&scene->blocks[i]);
        // A block that lies nowhere near the heap, or ends nowhere near it, would make all others vanish.
        bool is_near = end <= (scene->has_region ? 2 * scene->heap_bytes : UINT64_MAX / 2);
        window.end = end > window.end && is_near ? end : window.end;
    }
    // A heap that is mostly empty at its end is drawn up to its last block.
    uint64_t top = scene->count > 0 ? end_of(&scene->blocks[scene->count - 1]) : 0;
    window.end = all && top > 0 && top <= window.end / 2 ? top : window.end;
    uint64_t bytes = window.end - window.begin;
    window.scale = round_scale((bytes + CELLS - 1) / CELLS);
    window.scale = window.scale < 16 ? 16 : window.scale;
    window.cells = (size_t)((bytes + window.scale - 1) / window.scale);
    return window;
}

static void draw(char *cells, const struct window *window, const struct steve_scene_block *block,
                 const struct steve_finding *finding)
{
    if (block->begin < window->begin || block->begin >= window->end || block->extent == 0) {
        return;
    }
    size_t first = (size_t)((block->begin - window->begin) / window->scale);
    uint64_t end = end_of(block) < window->end ? end_of(block) : window->end;
    size_t last = (size_t)((end - 1 - window->begin) / window->scale);
    char body = is_subject(block, finding) ? '*' : block->locks > 0 ? '#' : '-';
    for (size_t i = first; i <= last; i++) {
        bool shared = cells[i] != '.' && cells[i] != ':';
        // Small blocks share a column, and no harm is in it.
        cells[i] = shared && i != first ? '!' : shared ? cells[i] : body;
    }
    char name[16];
    int length = snprintf(name, sizeof name, "[s%u", (unsigned)block->slot);
    if (last - first >= (size_t)length) {
        memcpy(cells + first, name, (size_t)length);
        cells[last] = cells[last] == body ? ']' : cells[last];
    } else if (last > first) {
        cells[first] = '[';
    }
}

/// Blocks that overlap within one column look like neighbours: the column where the upper one begins is marked.
static void mark_overlaps(char *cells, const struct window *window, const struct steve_scene *scene)
{
    uint64_t below = 0;
    for (size_t i = 0; i < scene->count; i++) {
        const struct steve_scene_block *block = &scene->blocks[i];
        bool is_seen = block->begin >= window->begin && block->begin < window->end;
        if (block->begin < below && block->extent > 0 && is_seen) {
            cells[(size_t)((block->begin - window->begin) / window->scale)] = '!';
        }
        below = end_of(block) > below ? end_of(block) : below;
    }
}

static void print_rows(FILE *out, const char *cells, const struct window *window)
{
    for (size_t i = 0; i < window->cells; i += STEVE_PICTURE_COLUMNS) {
        size_t left = window->cells - i;
        int count = (int)(left < STEVE_PICTURE_COLUMNS ? left : STEVE_PICTURE_COLUMNS);
        fprintf(out, "    0x%06" PRIx64 "  %.*s\n", window->begin + (uint64_t)i * window->scale, count, cells + i);
    }
}

void steve_print_picture(FILE *out, const struct steve_scene *scene, const struct steve_finding *finding)
{
    struct window window = choose_window(scene);
    char cells[CELLS];
    if (window.cells == 0 || window.cells > CELLS) {
        return;
    }
    memset(cells, '.', sizeof cells);
    for (size_t i = 0; i < window.cells; i++) {
        uint64_t at = window.begin + (uint64_t)i * window.scale;
        if (scene->has_region && at + window.scale <= scene->blocks_begin) {
            cells[i] = ':';
        }
    }
    const struct steve_scene_block *subject = NULL;
    for (size_t i = 0; i < scene->count; i++) {
        if (is_subject(&scene->blocks[i], finding)) {
            subject = &scene->blocks[i];
        } else {
            draw(cells, &window, &scene->blocks[i], finding);
        }
    }
    if (subject != NULL) {
        draw(cells, &window, subject, finding);
    }
    mark_overlaps(cells, &window, scene);
    fprintf(out,
            "    a column is %" PRIu64
            " bytes: - block, # locked, * that of the finding, ! overlap, . free or rest%s\n\n",
            window.scale, scene->blocks_begin > 0 ? ", : heap's own" : "");
    print_rows(out, cells, &window);
}

/// @param known whether extents and the heap's own are; else a block's header looks free as well
static void print_free(FILE *out, uint64_t begin, uint64_t end, bool known)
{
    if (end > begin) {
        fprintf(out, "      0x%06" PRIx64 "  %10" PRIu64 "  free%s\n", begin, end - begin,
                known ? "" : ", or the heap's own");
    }
}

static void print_block(FILE *out, const struct steve_scene_block *block, const struct steve_finding *finding)
{
    fprintf(out, "    %s 0x%06" PRIx64 "  %10" PRIu64 "  s%-5u %10" PRIu64 " bytes at 0x%06" PRIx64,
            is_subject(block, finding) ? ">" : " ", block->begin, block->extent, (unsigned)block->slot, block->bytes,
            block->first);
    if (block->alignment > 0) {
        fprintf(out, ", aligned to %" PRIu64, block->alignment);
    }
    if (block->locks > 0) {
        fprintf(out, ", locked");
    }
    if (block->locks > 1) {
        fprintf(out, " %u times", (unsigned)block->locks);
    }
    fprintf(out, "%s\n", block->purgeable ? ", purgeable" : "");
}

/// The rank of the finding's block among those of the scene; 0 if it is not there.
static size_t rank_of_subject(const struct steve_scene *scene, const struct steve_finding *finding)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (is_subject(&scene->blocks[i], finding)) {
            return i;
        }
    }
    return 0;
}

void steve_print_blocks(FILE *out, const struct steve_scene *scene, const struct steve_finding *finding)
{
    if (scene->count == 0) {
        fprintf(out, "    no live block has memory\n");
        return;
    }
    size_t rank = rank_of_subject(scene, finding);
    size_t first = rank > TABLE_BESIDE ? rank - TABLE_BESIDE : 0;
    size_t end = first + 2 * TABLE_BESIDE + 1 < scene->count ? first + 2 * TABLE_BESIDE + 1 : scene->count;
    uint64_t left_out = scene->left_out_below + first;
    fprintf(out, "      %-8s  %10s  %s\n", "offset", "extent", "block");
    if (left_out > 0) {
        fprintf(out, "      (%" PRIu64 " more below)\n", left_out);
    } else if (scene->has_region && scene->blocks_begin > 0) {
        fprintf(out, "      0x%06x  %10" PRIu64 "  the heap's own\n", 0u, scene->blocks_begin);
    }
    uint64_t below = left_out > 0 ? scene->blocks[first].begin : scene->blocks_begin;
    for (size_t i = first; i < end; i++) {
        print_free(out, below, scene->blocks[i].begin, scene->blocks_begin > 0);
        print_block(out, &scene->blocks[i], finding);
        below = end_of(&scene->blocks[i]) > below ? end_of(&scene->blocks[i]) : below;
    }
    left_out = scene->left_out_above + (scene->count - end);
    if (left_out > 0) {
        fprintf(out, "      (%" PRIu64 " more above)\n", left_out);
    } else if (scene->has_region && scene->heap_bytes > below) {
        fprintf(out, "      0x%06" PRIx64 "  %10" PRIu64 "  free, and what the heap keeps at its end\n", below,
                scene->heap_bytes - below);
    }
}

static void print_hex(FILE *out, const struct steve_scene *scene, const uint8_t *bytes, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (scene->compared[i]) {
            fprintf(out, " %02x", (unsigned)bytes[i]);
        } else {
            fputs(" ..", out);
        }
    }
    fputc('\n', out);
}

static bool is_wrong(const struct steve_scene *scene, size_t i)
{
    return scene->compared[i] && scene->expected[i] != scene->actual[i];
}

static void print_marks(FILE *out, const struct steve_scene *scene, size_t begin, size_t end)
{
    size_t last = end;
    while (last > begin && !is_wrong(scene, last - 1)) {
        last--;
    }
    if (last == begin) {
        return;
    }
    fprintf(out, "    %18s", "");
    for (size_t i = begin; i < last; i++) {
        fputs(is_wrong(scene, i) ? " ^^" : "   ", out);
    }
    fputc('\n', out);
}

static const char *place_of_dump(enum steve_scene_dump dump)
{
    return dump == STEVE_SCENE_OF_BLOCK         ? "of the block"
           : dump == STEVE_SCENE_OF_GUARD_BELOW ? "of the guard below the heap, which ends where the heap begins"
                                                : "above the end of the heap";
}

void steve_print_bytes(FILE *out, const struct steve_scene *scene)
{
    if (scene->dump == STEVE_SCENE_NO_BYTES) {
        return;
    }
    fprintf(out, "    %" PRIu64 " of %" PRIu64 " bytes are wrong, from %" PRIu64 " to %" PRIu64 "; offsets %s:\n\n",
            scene->wrong_bytes, scene->dump_end, scene->first_wrong, scene->last_wrong, place_of_dump(scene->dump));
    for (size_t i = 0; i < scene->dump_count; i += BYTES_IN_LINE) {
        size_t end = i + BYTES_IN_LINE < scene->dump_count ? i + BYTES_IN_LINE : scene->dump_count;
        fprintf(out, "    %8" PRIu64 " expected ", scene->dump_begin + i);
        print_hex(out, scene, scene->expected, i, end);
        fprintf(out, "    %8s actual   ", "");
        print_hex(out, scene, scene->actual, i, end);
        print_marks(out, scene, i, end);
    }
}
