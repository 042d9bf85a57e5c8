/// The list of profiles. How an episode's plan is drawn from one is episode_plan.c's.
#include "steve/gen/profile.h"

#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

#define ALWAYS 256u

/// What a profile that says nothing of an event takes: every op, at moderate rates.
static const struct steve_rate common_rates[STEVE_EVENTS] = {
    [STEVE_EVENT_COMPACT] = {ALWAYS, {64, 2048}, 4},
    [STEVE_EVENT_BUDGET] = {ALWAYS, {32, 512}, 1},
    [STEVE_EVENT_GOAL] = {ALWAYS, {128, 2048}, 8},
    [STEVE_EVENT_CHECK] = {ALWAYS, {1024, 8192}, 16},
    [STEVE_EVENT_FREE_LOCKED] = {ALWAYS, {256, 2048}, 0},
    [STEVE_EVENT_WEAK_LOCK] = {ALWAYS, {32, 256}, 0},
    [STEVE_EVENT_PURGEABLE] = {64, {64, 512}, 0},
    [STEVE_EVENT_KEEP] = {ALWAYS, {128, 1024}, 0},
    [STEVE_EVENT_SKIP] = {ALWAYS, {256, 2048}, 0},
    [STEVE_EVENT_SCOPE] = {ALWAYS, {1, 1}, 0},
    [STEVE_EVENT_PIN] = {ALWAYS, {1, 1}, 0},
    [STEVE_EVENT_TURN] = {ALWAYS, {1, 1}, 0},
};

static const struct steve_profile profiles[] = {
    {
        .name = "swarm",
        .summary = "switches a random part of the ops off and draws weights, sizes and geometry anew per episode (the "
                   "default)",
        .length = {64, STEVE_LENGTH_MAX},
        .heap = {1 * KIB, 4 * MIB},
        .blocks = {2, 4096},
        .mean = {8, 512},
        .fill = {400, 1100},
        .dip = {0, 600},
        .stubborn = {0, 160},
        .churn = {24, 220},
        .access = {8, 160},
        .resize = {0, 64},
        .flavours = {0, 96},
        .lock_share = {0, 500},
        .switched_off = 96,
        .sizes = STEVE_SIZES_ORDINARY,
        .rates =
            {
                [STEVE_EVENT_COMPACT] = {160, {8, 8192}, 4},
                [STEVE_EVENT_BUDGET] = {144, {4, 2048}, 1},
                [STEVE_EVENT_GOAL] = {112, {8, 4096}, 8},
                [STEVE_EVENT_CHECK] = {128, {512, 16384}, 16},
                [STEVE_EVENT_DRAIN] = {64, {512, 8192}, 8},
                [STEVE_EVENT_MISUSE] = {80, {8, 1024}, 0},
                [STEVE_EVENT_FREE_LOCKED] = {96, {64, 2048}, 0},
                [STEVE_EVENT_WEAK_LOCK] = {128, {8, 512}, 0},
                [STEVE_EVENT_PURGEABLE] = {64, {8, 512}, 0},
                [STEVE_EVENT_KEEP] = {128, {16, 1024}, 0},
                [STEVE_EVENT_SWEEP] = {128, {64, 4096}, 0},
                [STEVE_EVENT_SKIP] = {128, {128, 4096}, 0},
            },
    },
    {
        .name = "steady",
        .summary = "every op at moderate weights in a heap that is about two thirds full",
        .length = {256, STEVE_LENGTH_MAX},
        .heap = {4 * KIB, 1 * MIB},
        .blocks = {16, 2048},
        .mean = {16, 256},
        .fill = {550, 750},
        .dip = {50, 150},
        .stubborn = {16, 64},
        .churn = {96, 96},
        .access = {120, 120},
        .resize = {24, 24},
        .flavours = {32, 32},
        .lock_share = {20, 250},
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_SWEEP] = {ALWAYS, {512, 4096}, 0}},
    },
    {
        .name = "churn",
        .summary = "malloc and free at a steady fill, with few other ops",
        .length = {1024, STEVE_LENGTH_MAX},
        .heap = {4 * KIB, 1 * MIB},
        .blocks = {16, 4096},
        .mean = {16, 256},
        .fill = {700, 950},
        .dip = {20, 100},
        .stubborn = {32, 128},
        .churn = {230, 230},
        .access = {12, 12},
        .resize = {8, 8},
        .flavours = {16, 16},
        .lock_share = {0, 100},
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_SWEEP] = {ALWAYS, {512, 4096}, 0}},
    },
    {
        .name = "lock-heavy",
        .summary = "many locks, many accesses and many compactions around them",
        .length = {256, STEVE_LENGTH_MAX},
        .heap = {2 * KIB, 256 * KIB},
        .blocks = {8, 1024},
        .mean = {16, 256},
        .fill = {500, 950},
        .dip = {100, 300},
        .stubborn = {32, 128},
        .churn = {72, 72},
        .access = {160, 160},
        .resize = {16, 16},
        .flavours = {32, 32},
        .lock_share = {300, 800},
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_COMPACT] = {ALWAYS, {16, 256}, 4},
                  [STEVE_EVENT_BUDGET] = {ALWAYS, {8, 128}, 1},
                  [STEVE_EVENT_GOAL] = {ALWAYS, {32, 512}, 8},
                  [STEVE_EVENT_FREE_LOCKED] = {ALWAYS, {32, 256}, 0}},
    },
    {
        .name = "full",
        .summary = "at the edge of refusal: asks on when the heap is full",
        .length = {256, STEVE_LENGTH_MAX},
        .heap = {1 * KIB, 256 * KIB},
        .blocks = {4, 2048},
        .mean = {16, 512},
        .fill = {1300, 1500},
        .dip = {300, 500},
        .stubborn = {240, 255},
        .churn = {160, 160},
        .access = {56, 56},
        .resize = {32, 32},
        .flavours = {32, 32},
        .lock_share = {0, 300},
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_SWEEP] = {ALWAYS, {128, 2048}, 0}, [STEVE_EVENT_PURGEABLE] = {128, {16, 128}, 0}},
    },
    {
        .name = "tiny",
        .summary = "the smallest heaps, where every byte and every handle counts",
        .length = {64, 4096},
        .heap = {1, 4 * KIB},
        .blocks = {1, 128},
        .mean = {1, 256},
        .fill = {400, 1300},
        .dip = {0, 1000},
        .stubborn = {64, 255},
        .churn = {64, 192},
        .access = {32, 96},
        .resize = {16, 64},
        .flavours = {16, 64},
        .lock_share = {0, 500},
        .switched_off = 64,
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_COMPACT] = {ALWAYS, {8, 512}, 4},
                  [STEVE_EVENT_BUDGET] = {ALWAYS, {8, 512}, 1},
                  [STEVE_EVENT_DRAIN] = {128, {64, 1024}, 8},
                  [STEVE_EVENT_MISUSE] = {128, {16, 512}, 0}},
    },
    {
        .name = "brief",
        .summary =
            "the shortest episodes, each in another heap: heaps made and dropped, and what a driver tries beside them",
        .length = {1, 64},
        .heap = {1, 64 * KIB},
        .blocks = {1, 16},
        .mean = {1, 1024},
        .fill = {400, 1300},
        .dip = {0, 1000},
        .stubborn = {64, 255},
        .churn = {64, 192},
        .access = {32, 96},
        .resize = {16, 64},
        .flavours = {16, 64},
        .lock_share = {0, 500},
        .switched_off = 64,
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_COMPACT] = {ALWAYS, {8, 64}, 0},
                  [STEVE_EVENT_BUDGET] = {ALWAYS, {8, 64}, 0},
                  [STEVE_EVENT_GOAL] = {ALWAYS, {8, 64}, 0},
                  [STEVE_EVENT_CHECK] = {128, {8, 64}, 0}},
    },
    {
        .name = "big",
        .summary = "heaps of up to a terabyte of lazily mapped memory: a few very large blocks among ordinary ones",
        .length = {64, 4096},
        .heap = {64 * MIB, STEVE_HEAP_LIMIT},
        .blocks = {8, 512},
        .mean = {16, 4096},
        .fill = {300, 1100},
        .dip = {0, 1000},
        .stubborn = {64, 255},
        .churn = {96, 192},
        .access = {32, 96},
        .resize = {8, 32},
        .flavours = {16, 32},
        .lock_share = {0, 300},
        .sizes = STEVE_SIZES_ORDINARY | 1u << STEVE_SIZES_HUGE,
        .rates = {[STEVE_EVENT_DRAIN] = {64, {256, 2048}, 8}},
    },
    {
        .name = "misuse",
        .summary = "stale, foreign and made-up refs amid ordinary traffic",
        .length = {64, STEVE_LENGTH_MAX},
        .heap = {1 * KIB, 256 * KIB},
        .blocks = {2, 1024},
        .mean = {8, 256},
        .fill = {300, 1000},
        .dip = {100, 500},
        .stubborn = {32, 128},
        .churn = {112, 112},
        .access = {64, 64},
        .resize = {24, 24},
        .flavours = {32, 32},
        .lock_share = {0, 300},
        .sizes = STEVE_SIZES_ORDINARY,
        .rates = {[STEVE_EVENT_MISUSE] = {ALWAYS, {2, 6}, 0},
                  [STEVE_EVENT_FREE_LOCKED] = {ALWAYS, {16, 128}, 0},
                  [STEVE_EVENT_SKIP] = {ALWAYS, {32, 256}, 0},
                  [STEVE_EVENT_DRAIN] = {64, {256, 4096}, 8}},
    },
    {
        .name = "classic",
        .summary = "fill to refusal, free half, lock an eighth, compact, verify; again and again",
        .script = true,
        .length = {512, STEVE_LENGTH_MAX},
        .heap = {1 * KIB, 1 * MIB},
        .blocks = {8, 2048},
        .mean = {8, 256},
        .fill = {1000, 1000},
        .dip = {500, 500},
        .stubborn = {0, 0},
        .churn = {128, 128},
        .access = {64, 64},
        .resize = {0, 0},
        .flavours = {16, 16},
        .lock_share = {125, 125},
        .sizes = STEVE_SIZES_ORDINARY & ~(1u << STEVE_SIZES_BOUNDARY),
    },
};

const struct steve_profile *steve_profile_at(size_t index)
{
    return index < sizeof profiles / sizeof profiles[0] ? &profiles[index] : NULL;
}

const struct steve_profile *steve_profile_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(profiles[i].name, name) == 0) {
            return &profiles[i];
        }
    }
    return NULL;
}

const char *steve_profile_name(const struct steve_profile *profile)
{
    return profile->name;
}

const char *steve_profile_summary(const struct steve_profile *profile)
{
    return profile->summary;
}

const struct steve_rate *steve_profile_rate(const struct steve_profile *profile, enum steve_event event)
{
    const struct steve_rate *own = &profile->rates[event];
    return own->every.high > 0 ? own : &common_rates[event];
}

uint32_t steve_profile_length(const struct steve_profile *profile, struct steve_rng *rng)
{
    return (uint32_t)steve_rng_log_between(rng, profile->length.low, profile->length.high);
}
