// What the host asks of gemm.c: one product Y = X W by one method. The host lays this structure out as 32-bit words in
// this order (software.py), at the first free address after the program.
#pragma once
#include <stdint.h>

enum method { COMPILED, PLAIN, BLOCKED, ARRAY };

#define EVENTS 5

struct job {
    uint32_t method;         // enum method
    uint32_t integers;       // 1: weights are INT8, two's complement for software; 0: FP32
    uint32_t m, k, n;        // X is M x K, W is K x N
    const uint32_t *x;       // FP32: row-major; for the array tile after tile, or row-major with whole tiles
    const void *w;           // COMPILED, PLAIN: row-major; BLOCKED: in panels; ARRAY: the tiles kept, packed
    uint32_t *y;             // as x
    float *x_panel, *w_panel;  // BLOCKED: room for X in panels, and for a panel of INT8 weights as FP32
    const uint32_t *kept;    // ARRAY: a bit for each tile of W, those of a column of tiles in turn
    uint32_t x_vector, y_vector;  // ARRAY: bytes from a vector to the next
    uint32_t x_tile, y_tile;      // ARRAY: bytes from a tile to the next
    const uint32_t *computed;     // ARRAY: what becomes W first, tile after tile; w then is room for it
    uint32_t turned;              // of this, 1: its transpose becomes W
    uint32_t *made, *powers;      // ARRAY: where `computed` becomes weights beside the product,
    uint32_t matrices, vectors, tiles;  // so many matrices of so many vectors and tiles
    uint32_t share;                     // with each command: words of these, eighths of Y to be rectified, or rows
    uint32_t scale, quotient;           // of `computed` for softmax with these numbers
    uint32_t cycles, instret, events[EVENTS];  // out: what the product took, by the core's counters
    uint32_t quantising, power;   // out: cycles of these that W took to be made, and what its integers are to be times
};
