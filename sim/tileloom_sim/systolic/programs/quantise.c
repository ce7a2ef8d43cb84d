// Activations that become weights as they are computed; see array.h. Inner loops are in quantise.S, and here those of
// cores without FPU.
#include "array.h"

#include "tileloom_array.h"

#if TILELOOM_WEIGHT_BITS == 8 && !TILELOOM_WEIGHT_EXPONENT && TILELOOM_STEPS == TILELOOM_COLUMNS && \
    TILELOOM_ROWS % 4 == 0 && TILELOOM_COLUMNS % TILELOOM_ROWS == 0

#define LEAST_EXPONENT 7u  // below it the power of two would be none of FP32's normal numbers
#define BIAS 127u
#define BITS 6u  // of the largest integer, behind its leading one

#if defined(XPULP) && defined(__riscv_flen)
uint32_t tileloom_largest_halves(const uint32_t *words, uint32_t eighths);
void tileloom_weights_as_they_are(const uint32_t *from, uint32_t *to, uint32_t quarters, uint32_t scale);
void tileloom_weights_turned(const uint32_t *from, uint32_t *to, uint32_t scale);

static uint32_t largest_half(const uint32_t *words, uint32_t count) {
    const uint32_t both = tileloom_largest_halves(words, count / 8);
    const uint32_t one = both & 0xffff, other = both >> 16;
    return one > other ? one : other;
}

// What words are multiplied by before they are rounded.
static uint32_t scale_of(uint32_t exponent) { return (2 * BIAS + BITS - exponent) << 23; }
#else
static uint32_t largest_half(const uint32_t *words, uint32_t count) {
    uint32_t found = 0;
    for (; count; --count, ++words) {
        const uint32_t half = *words << 1 >> 16 & 0xfffe;
        if (half > found) found = half;
    }
    return found;
}

static uint32_t scale_of(uint32_t exponent) { return exponent; }

// Round to nearest, ties to even, what stands left of the point.
static uint32_t weight_of(uint32_t word, uint32_t exponent) {
    const uint32_t own = word << 1 >> 24, shift = exponent + 23 - BITS - own;
    if (own == 0 || shift > 24) return 0;
    const uint32_t significand = (word & 0x7fffff) | 0x800000, kept = significand >> shift;
    return word >> 31 << 7 | (significand + (1u << (shift - 1)) - 1 + (kept & 1)) >> shift;
}

static uint32_t weights_of(const uint32_t *from, uint32_t apart, uint32_t exponent) {
    uint32_t packed = 0;
    for (uint32_t i = 0; i < 4; ++i, from += apart) packed = packed << 8 | weight_of(*from, exponent);
    return packed;
}

static void tileloom_weights_as_they_are(const uint32_t *from, uint32_t *to, uint32_t quarters, uint32_t exponent) {
    for (uint32_t i = 0; i < 4 * quarters; ++i, from += 4) *to++ = weights_of(from, 1, exponent);
}

static void tileloom_weights_turned(const uint32_t *from, uint32_t *to, uint32_t exponent) {
    for (uint32_t row = 0; row < TILELOOM_ROWS; ++row, ++from) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; i += 4) *to++ = weights_of(from + i * TILELOOM_STEPS, TILELOOM_STEPS, exponent);
    }
}
#endif

// The significand comes to 64 to 127; from 127.5 on it would round to 128, and is halved instead.
static uint32_t exponent_of(uint32_t largest) {
    const uint32_t exponent = (largest + 2) >> 8;
    return exponent < LEAST_EXPONENT ? LEAST_EXPONENT : exponent;
}

static uint32_t power_of(uint32_t exponent) { return (exponent - BITS) << 23; }

#define SQUARE (TILELOOM_COLUMNS * TILELOOM_STEPS)  // words of as many vectors of a tile as it has columns

// The tiles of weights of a square, turned; returns where the next ones go.
static uint32_t *turn(const uint32_t *from, uint32_t *w, uint32_t scale) {
    for (uint32_t row = 0; row < TILELOOM_COLUMNS; row += TILELOOM_ROWS, w += TILELOOM_WEIGHT_WORDS) {
        tileloom_weights_turned(from + row, w, scale);
    }
    return w;
}

uint32_t tileloom_quantise(const struct tileloom_computed *computed, uint32_t turned) {
    const uint32_t vectors = computed->vectors, tile = vectors * TILELOOM_STEPS, words = computed->tiles * tile;
    const uint32_t exponent = exponent_of(largest_half(computed->y, words)), scale = scale_of(exponent);
    uint32_t *w = computed->w;
    if (!turned) {
        tileloom_weights_as_they_are(computed->y, w, words / 16, scale);
        return power_of(exponent);
    }
    const uint32_t *y = computed->y, *end = y + tile;
    for (; y < end; y += SQUARE) {
        const uint32_t *from = y;
        for (uint32_t i = 0; i < computed->tiles; ++i, from += tile) w = turn(from, w, scale);
    }
    return power_of(exponent);
}

// A square of the largest, or of the weights.
static void next_square(struct tileloom_quantising *at) {
    const struct tileloom_computed *computed = &at->computed;
    const uint32_t tile = computed->vectors * TILELOOM_STEPS, words = computed->tiles * tile;
    if (!at->exponent) {
        const uint32_t found = largest_half(computed->y + at->words, SQUARE);
        if (found > at->largest) at->largest = found;
        at->words += SQUARE;
        if (at->words < words) return;
        at->exponent = exponent_of(at->largest);
        *at->powers++ = power_of(at->exponent);
        at->words = 0;
        return;
    }
    const uint32_t scale = scale_of(at->exponent);
    if (at->turned) {
        const uint32_t down = at->words / (SQUARE * computed->tiles), i = at->words / SQUARE % computed->tiles;
        turn(computed->y + i * tile + down * SQUARE, computed->w + at->words / 4, scale);
    } else {
        tileloom_weights_as_they_are(computed->y + at->words, computed->w + at->words / 4, SQUARE / 16, scale);
    }
    at->words += SQUARE;
    if (at->words < words) return;
    at->computed.y += words;
    at->computed.w += words / 4;
    at->words = at->exponent = at->largest = 0;
    --at->matrices;
}

void tileloom_quantise_beside(void *state, uint32_t columns) {
    struct tileloom_quantising *at = state;
    (void)columns;
    for (at->due += at->slice; at->due >= SQUARE && at->matrices; at->due -= SQUARE) next_square(at);
}

void tileloom_quantise_rest(struct tileloom_quantising *at) {
    while (at->matrices) next_square(at);
}
#endif
