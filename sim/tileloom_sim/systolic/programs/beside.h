// What the core does while an array with an address generator multiplies: work for tileloom_fetched_gemm_beside. The
// array goes on without a pause as long as the core leaves it enough of the memory: a quarter of the cycles are free in
// a product by a port of 128 bits, and no more are used here.
#pragma once
#include "between.h"
#include "generator.h"

// ReLU of the product's own results, as columns of tiles are complete.
struct tileloom_rectifying {
    uint32_t *words;    // Y, tile after tile
    uint32_t eighths;   // of a column of tiles: of its words
    uint32_t slice;     // of these for each command: of a column, over the tiles along k, or some more
    uint32_t done;      // so far, 0 to begin with
};
void tileloom_rectify_beside(void *rectifying, uint32_t columns);

// What is left after the product, of all its columns.
void tileloom_rectify_rest(struct tileloom_rectifying *rectifying, uint32_t columns);

// Softmax of another matrix, row by row: the scores of one head while those of the next are multiplied.
struct tileloom_softening {
    struct tileloom_matrix matrix;  // what is left: the next row, and how many
    uint32_t tile_bytes;            // from a tile of it to the next
    uint32_t scale, power;          // as tileloom_softmax takes them
    uint32_t rows;                  // with each command
};
void tileloom_soften_beside(void *softening, uint32_t columns);

// What is left after the product.
void tileloom_soften_rest(struct tileloom_softening *softening);
