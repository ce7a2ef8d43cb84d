// The C library of the array; see array.h. Inner loops are in array.S.
#include "array.h"

#include "tileloom_array.h"

void tileloom_vectors_first(const uint32_t *x, uint32_t *y, uint32_t vectors, uint32_t x_stride, uint32_t y_stride);
void tileloom_vectors_next(const uint32_t *x, uint32_t *y, uint32_t vectors, uint32_t x_stride, uint32_t y_stride);
void tileloom_vectors_feed(const uint32_t *x, uint32_t vectors, uint32_t x_stride);

#define LAG 2  // vectors in the array

static uint32_t *later(uint32_t *at, uint32_t bytes) { return (uint32_t *)((uint8_t *)at + bytes); }
static const uint32_t *behind(const uint32_t *at, uint32_t bytes) { return (const uint32_t *)((const uint8_t *)at + bytes); }

static void vectors_of(const struct tileloom_stream *stream, const uint32_t *x, uint32_t *y, uint32_t vectors,
                       uint32_t first) {
    if (first) tileloom_vectors_first(x, y, vectors, stream->x_stride, stream->y_stride);
    else tileloom_vectors_next(x, y, vectors, stream->x_stride, stream->y_stride);
}

void tileloom_partial_gemm(struct tileloom_stream *stream, const uint32_t *x, uint32_t *y, uint32_t vectors,
                           uint32_t first) {
    if (stream->tail) vectors_of(stream, x, stream->tail, LAG, stream->first);
    else tileloom_vectors_feed(x, LAG, stream->x_stride);
    if (vectors > LAG) vectors_of(stream, behind(x, LAG * stream->x_stride), y, vectors - LAG, first);
    stream->tail = later(y, (vectors - LAG) * stream->y_stride);
    stream->first = first;
}

void tileloom_finish(struct tileloom_stream *stream) {
    uint32_t *y = stream->tail;
    if (!y) return;
    for (uint32_t vector = 0; vector < LAG; ++vector, y = later(y, stream->y_stride)) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) y[i] = tileloom_read(stream->first ? 0 : y[i]);
    }
    stream->tail = 0;
}

static void clear(uint32_t *y, uint32_t vectors, uint32_t stride) {
    for (; vectors; --vectors, y = later(y, stride)) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) y[i] = 0;
    }
}

void tileloom_gemm(const struct tileloom_product *product) {
    struct tileloom_stream stream = {0, 0, product->x_stride, product->y_stride};
    const uint32_t *w = product->w, *kept = product->kept;
    uint32_t *y = product->y;
    uint32_t bits = 0, left = 0;
    for (uint32_t column = 0; column < product->tiles_n; ++column, y = later(y, product->y_tile)) {
        const uint32_t *x = product->x;
        uint32_t first = 1;
        for (uint32_t row = 0; row < product->tiles_k; ++row, x = behind(x, product->x_tile), bits >>= 1, --left) {
            if (!left) bits = *kept++, left = 32;
            if (!(bits & 1)) continue;
            tileloom_tile(w);
            w += TILELOOM_WEIGHT_WORDS;
            tileloom_partial_gemm(&stream, x, y, product->vectors, first);
            first = 0;
        }
        if (first) clear(y, product->vectors, product->y_stride);
    }
    tileloom_finish(&stream);
}
