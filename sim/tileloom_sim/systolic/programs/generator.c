// The C library of an array with an address generator; see generator.h.
#include "generator.h"

#include "tileloom_array.h"

void tileloom_prepare(const uint32_t *w, uint32_t vectors, uint32_t x_stride, uint32_t y_stride) {
    tileloom_wait();
    tileloom_setting((uint32_t)w, TILELOOM_SET_WEIGHTS);
    tileloom_setting(vectors, TILELOOM_SET_VECTORS);
    tileloom_setting(x_stride, TILELOOM_SET_X_STRIDE);
    tileloom_setting(y_stride, TILELOOM_SET_Y_STRIDE);
}

uint32_t tileloom_begin_partial_gemm(const uint32_t *x, uint32_t *y, uint32_t how) {
    uint32_t refused;
    while ((refused = tileloom_multiply((uint32_t)x, (uint32_t)y | how))) {
        if (tileloom_error(refused)) return tileloom_error(refused);
    }
    return 0;
}

static void clear(uint32_t y, uint32_t vectors, uint32_t stride) {
    for (; vectors; --vectors, y += stride) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) ((uint32_t *)y)[i] = 0;
    }
}

#if TILELOOM_ACCUMULATORS
#define MOST (TILELOOM_ACCUMULATORS / TILELOOM_COLUMNS)  // vectors whose sums are held

// Where one is in the tiles: the next one's weights, and its bit.
struct place {
    const uint32_t *w, *kept;
    uint32_t bits, left;
};

// Some vectors by a column of tiles from `at` on, which moves behind it. A command waits until the next tile that is
// there is found, as only the last one stores sums.
static uint32_t column_of(const struct tileloom_product *product, struct place *at, uint32_t x, uint32_t y,
                          uint32_t vectors) {
    uint32_t there = 0, waiting = 0, how = TILELOOM_FIRST;
    for (uint32_t row = 0; row < product->tiles_k; ++row, x += product->x_tile, at->bits >>= 1, --at->left) {
        if (!at->left) at->bits = *at->kept++, at->left = 32;
        if (!(at->bits & 1)) continue;
        at->w += TILELOOM_WEIGHT_WORDS;
        if (there) {
            const uint32_t error =
                tileloom_begin_partial_gemm((const uint32_t *)waiting, (uint32_t *)y, how | TILELOOM_MORE);
            if (error) return error;
            how = 0;
        }
        there = 1;
        waiting = x;
    }
    if (there) return tileloom_begin_partial_gemm((const uint32_t *)waiting, (uint32_t *)y, how);
    clear(y, vectors, product->y_stride);
    return 0;
}

uint32_t tileloom_fetched_gemm(const struct tileloom_product *product) {
    const uint32_t parts = (product->vectors + MOST - 1) / MOST;
    struct place begin = {product->w, product->kept, 0, 0};
    uint32_t y = (uint32_t)product->y;
    tileloom_prepare(product->w, product->vectors, product->x_stride, product->y_stride);
    for (uint32_t column = 0; column < product->tiles_n; ++column, y += product->y_tile) {
        struct place at = begin;
        for (uint32_t part = parts, done = 0, vectors; part; --part, done += vectors) {
            vectors = (product->vectors - done) / part;
            at = begin;
            if (parts > 1) tileloom_prepare(at.w, vectors, product->x_stride, product->y_stride);
            const uint32_t error = column_of(product, &at, (uint32_t)product->x + done * product->x_stride,
                                             y + done * product->y_stride, vectors);
            if (error) return error;
        }
        begin = at;
    }
    return tileloom_wait();
}
#else
// Constant arguments leave out what is not asked for.
static inline __attribute__((always_inline)) uint32_t multiply(const struct tileloom_product *product, uint32_t onto,
                                                               tileloom_work *work, void *state) {
    tileloom_prepare(product->w, product->vectors, product->x_stride, product->y_stride);
    const uint32_t *kept = product->kept;
    uint32_t y = (uint32_t)product->y, bits = 0, left = 0, before = 0, last = 0;
    for (uint32_t column = 0; column < product->tiles_n; ++column, y += product->y_tile) {
        uint32_t x = (uint32_t)product->x, first = !onto;
        for (uint32_t row = 0; row < product->tiles_k; ++row, x += product->x_tile, bits >>= 1, --left) {
            if (!left) bits = *kept++, left = 32;
            if (!(bits & 1)) continue;
            const uint32_t error = tileloom_begin_partial_gemm((const uint32_t *)x, (uint32_t *)y, first);
            if (error) return error;
            first = 0;
            if (!work) continue;
            // Of three commands the first may not be done yet; those of columns before the first one's are.
            work(state, before);
            before = last;
            last = column;
        }
        if (first) clear(y, product->vectors, product->y_stride);
    }
    return tileloom_wait();
}

uint32_t tileloom_fetched_gemm(const struct tileloom_product *product) { return multiply(product, 0, 0, 0); }

uint32_t tileloom_fetched_gemm_onto(const struct tileloom_product *product) { return multiply(product, 1, 0, 0); }

uint32_t tileloom_fetched_gemm_beside(const struct tileloom_product *product, tileloom_work *work, void *state) {
    return multiply(product, 0, work, state);
}
#endif
