// The C library of an array with a memory of sums; see accumulated.h. Inner loops are in array.S.
#include "accumulated.h"

#include "tileloom_array.h"

#define LAG 2                                             // vectors in the array
#define MOST (TILELOOM_ACCUMULATORS / TILELOOM_COLUMNS)  // vectors whose sums are held

typedef void vectors_loop(const uint32_t *x, uint32_t *y, uint32_t vectors, uint32_t x_stride, uint32_t y_stride);
vectors_loop tileloom_vectors_first, tileloom_vectors_held_first, tileloom_vectors_held_next, tileloom_vectors_held_last;
void tileloom_vectors_feed(const uint32_t *x, uint32_t vectors, uint32_t x_stride);

// What is in the array: where the results of its last two vectors go, and by which loop. Null: none are in it.
struct rest {
    uint32_t *tail;
    vectors_loop *loop;
};

// Where one is in the tiles: the next one's weights, and its bit.
struct place {
    const uint32_t *w, *kept;
    uint32_t bits, left;
};

static uint32_t *later(uint32_t *at, uint32_t bytes) { return (uint32_t *)((uint8_t *)at + bytes); }
static const uint32_t *behind(const uint32_t *at, uint32_t bytes) { return (const uint32_t *)((const uint8_t *)at + bytes); }

static void multiply(const struct tileloom_product *product, struct rest *rest, const uint32_t *w, const uint32_t *x,
                     uint32_t *y, uint32_t vectors, vectors_loop *loop) {
    const uint32_t x_stride = product->x_stride, y_stride = product->y_stride;
    tileloom_tile(w);
    if (rest->tail) rest->loop(x, rest->tail, LAG, x_stride, y_stride);
    else tileloom_vectors_feed(x, LAG, x_stride);
    if (vectors > LAG) loop(behind(x, LAG * x_stride), y, vectors - LAG, x_stride, y_stride);
    rest->tail = later(y, (vectors - LAG) * y_stride);
    rest->loop = loop;
}

static void finish(const struct rest *rest, uint32_t stride) {
    uint32_t *y = rest->tail;
    if (!y) return;
    for (uint32_t vector = 0; vector < LAG; ++vector, y = later(y, stride)) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) {
            y[i] = tileloom_read(rest->loop == tileloom_vectors_held_last ? tileloom_sum() : 0);
        }
    }
}

static void clear(uint32_t *y, uint32_t vectors, uint32_t stride) {
    for (; vectors; --vectors, y = later(y, stride)) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) y[i] = 0;
    }
}

// Some vectors by a column of tiles from `at` on, which moves behind it. A tile is multiplied once the next one that is
// there is found, as only the last one gives its sums to y.
static void column_of(const struct tileloom_product *product, struct rest *rest, struct place *at, const uint32_t *x,
                      uint32_t *y, uint32_t vectors) {
    const uint32_t *waiting = 0;
    vectors_loop *loop = tileloom_vectors_held_first, *alone = tileloom_vectors_first;
    for (uint32_t row = 0; row < product->tiles_k; ++row, x = behind(x, product->x_tile), at->bits >>= 1, --at->left) {
        if (!at->left) at->bits = *at->kept++, at->left = 32;
        if (!(at->bits & 1)) continue;
        if (waiting) {
            multiply(product, rest, at->w, waiting, y, vectors, loop);
            at->w += TILELOOM_WEIGHT_WORDS;
            loop = tileloom_vectors_held_next;
            alone = tileloom_vectors_held_last;
        }
        waiting = x;
    }
    if (waiting) {
        multiply(product, rest, at->w, waiting, y, vectors, alone);
        at->w += TILELOOM_WEIGHT_WORDS;
    } else {
        clear(y, vectors, product->y_stride);
    }
}

void tileloom_accumulated_gemm(const struct tileloom_product *product) {
    struct rest rest = {0, 0};
    struct place begin = {product->w, product->kept, 0, 0};
    uint32_t *y = product->y;
    const uint32_t parts = (product->vectors + MOST - 1) / MOST;
    for (uint32_t column = 0; column < product->tiles_n; ++column, y = later(y, product->y_tile)) {
        struct place at = begin;
        for (uint32_t part = parts, done = 0, vectors; part; --part, done += vectors) {
            vectors = (product->vectors - done) / part;
            at = begin;
            column_of(product, &rest, &at, behind(product->x, done * product->x_stride),
                      later(y, done * product->y_stride), vectors);
        }
        begin = at;
    }
    finish(&rest, product->y_stride);
}
