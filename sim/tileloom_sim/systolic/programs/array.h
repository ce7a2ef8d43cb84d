// The C library of the array as a coprocessor: products of any size, tile by tile, over the instructions of
// tileloom_array.h.
//
// X is as tiles of TILELOOM_ROWS columns of it, Y of TILELOOM_COLUMNS: each vector TILELOOM_STEPS words, the vectors of
// a tile `stride` bytes apart. Words beyond a tile's own are not used; those of Y are overwritten. Tiles after each
// other have strides of 4 * TILELOOM_STEPS; of a row-major matrix, filled up to whole tiles, the stride is a row's.
//
// The array gives a vector's results while it takes the vector two later, and so goes on over tiles without a pause.
// What is still in it belongs to the tile before: `struct tileloom_stream` remembers where.
#pragma once
#include <stdint.h>

struct tileloom_stream {
    uint32_t *tail;               // where the results of the last two vectors go; null: none are in the array
    uint32_t first;               // whether these begin from +0
    uint32_t x_stride, y_stride;  // bytes from a vector to the next
};

// Transfer a tile of weights: TILELOOM_WEIGHT_WORDS words, packed as tileloom_array.h says. It takes over with the next
// vector.
void tileloom_tile(const uint32_t *words);

// Y += X times the tile, `vectors` of them, at least 2; with `first` Y = X times the tile. The last two vectors of Y are
// complete after the next call's first two, or tileloom_finish.
void tileloom_partial_gemm(struct tileloom_stream *stream, const uint32_t *x, uint32_t *y, uint32_t vectors,
                           uint32_t first);

// Take what is left in the array.
void tileloom_finish(struct tileloom_stream *stream);

// Y = X W. `w` has the tiles that `kept` says are there, in order of k within each column of tiles; so are the bits of
// `kept`, the first the least significant. Tiles left out cost no cycle of the array. A result is the sum of its tiles'
// results in order of k, from +0: bit for bit tileloom_golden.systolic.gemm with host_adds_tiles.
struct tileloom_product {
    const uint32_t *x, *w, *kept;
    uint32_t *y;
    uint32_t vectors, tiles_k, tiles_n;  // vectors: at least 2
    uint32_t x_stride, y_stride;         // bytes between vectors
    uint32_t x_tile, y_tile;             // bytes between tiles
};
void tileloom_gemm(const struct tileloom_product *product);

// Activations that become weights as they are computed, as keys and values of attention do. For arrays with INT8 weights
// whose rows are a multiple of 4, and whose columns are one of the rows.
//
// Y lies tile after tile, as tileloom_gemm leaves it, its vectors TILELOOM_COLUMNS words. `w` becomes the tiles of
// weights of Y, or with `turned` of its transpose, all of them, packed as tileloom_gemm takes them. A weight is the
// nearest integer, ties to even, of Y's word over a power of two: the smallest by which the largest is at most 127. The
// power is returned, a word of FP32, by which results are to be multiplied, or activations before. Bit for bit
// tileloom_golden.systolic.quantise.quantise_by_power.
struct tileloom_computed {
    const uint32_t *y;
    uint32_t *w;        // room for vectors * tiles * TILELOOM_COLUMNS / 4 words
    uint32_t vectors;   // a multiple of TILELOOM_ROWS, or turned of TILELOOM_COLUMNS
    uint32_t tiles;     // of TILELOOM_COLUMNS columns of Y
};
uint32_t tileloom_quantise(const struct tileloom_computed *computed, uint32_t turned);

// The same of matrices one behind the other, the heads of attention, bit by bit: beside a product by an array with an
// address generator, whose work tileloom_quantise_beside is. `vectors` are a multiple of TILELOOM_COLUMNS.
struct tileloom_quantising {
    struct tileloom_computed computed;  // the next matrix
    uint32_t matrices, turned;          // how many are left; whether their transposes become weights
    uint32_t *powers;                   // where the next one's goes
    uint32_t slice;                     // words for each command, each of which counts twice
    uint32_t words, exponent, largest, due;  // where it is: 0 to begin with
};
void tileloom_quantise_beside(void *quantising, uint32_t columns);

// What is left after the product.
void tileloom_quantise_rest(struct tileloom_quantising *quantising);
