// A layer in tiles of output channels, by DMA through L1 while all cores compute. Core 0 brings a tile's weights while all
// cores compute on the one before, and the results of that one go back to L2 while they compute on the next:
//
//     DMA      input, tile 0 | tile 1            | results 0, tile 2 | results 1
//     cores                  | compute on tile 0 | compute on tile 1 | compute on tile 2 ...
#pragma once
#include "cluster.h"
#include "counters.h"

// What the host asks for, 32-bit words in this order (layers.py); the first of a job, which is in L2 at the first free
// address after the program.
struct tiles {
    uint32_t active;         // cores that compute
    uint32_t count;          // tiles
    const uint8_t *input;    // in L2
    int8_t *input_at;        // in L1
    uint32_t input_bytes;
    const uint8_t *tile;     // in L2: what is needed of weights for each tile, behind each other
    uint32_t tile_bytes;
    uint8_t *output;         // in L2: lines of all output channels' results
    uint32_t line_bytes;     // of a line of one tile's
    uint32_t lines;
    uint8_t *buffers[2], *outputs[2];     // in L1: of tiles and of their results
    uint32_t cycles, instret, computing;  // out: of core 0; what of the cycles were between barriers around kernels
};

// What a core does of a tile; `what` is the program's own, a copy for each core.
typedef void compute_function(void *what, const struct tiles *tiles, const uint8_t *tile, uint8_t *output,
                              uint32_t core);

// A core's share of items: from `first` up to `end`.
static inline void share(uint32_t items, uint32_t core, uint32_t cores, uint32_t *first, uint32_t *end) {
    const uint32_t part = (items + cores - 1) / cores;
    *first = core * part < items ? core * part : items;
    *end = *first + part < items ? *first + part : items;
}

static inline void run_tiles(struct tiles *shared, compute_function *compute, void *what) {
    const struct tiles tiles = *shared;  // on this core's stack, in L1
    const uint32_t core = cluster_core();
    cluster_barrier(0);
    const uint32_t instret = INSTRUCTIONS, cycles = CYCLES;
    uint32_t brought = 0, sent = 0, computing = 0;
    if (core == 0) {
        dma_start(TO_L1, tiles.input, tiles.input_at, tiles.input_bytes, 1, 0, 0);
        brought = dma_start(TO_L1, tiles.tile, tiles.buffers[0], tiles.tile_bytes, 1, 0, 0);
    }
    for (uint32_t tile = 0; tile < tiles.count; ++tile) {
        if (core == 0) {
            const uint32_t ready = brought;
            if (tile + 1 < tiles.count) {
                const uint8_t *next = tiles.tile + (tile + 1) * tiles.tile_bytes;
                brought = dma_start(TO_L1, next, tiles.buffers[(tile + 1) & 1], tiles.tile_bytes, 1, 0, 0);
            }
            dma_wait(ready);
        }
        cluster_barrier(0);
        const uint32_t began = CYCLES;
        if (core < tiles.active) compute(what, &tiles, tiles.buffers[tile & 1], tiles.outputs[tile & 1], core);
        cluster_barrier(0);
        computing += CYCLES - began;
        if (core == 0) {
            // Transfers are done in order: that of the tile that comes next in this buffer waits for this one.
            sent = dma_start(TO_L2, tiles.output + tile * tiles.line_bytes, tiles.outputs[tile & 1],
                             tiles.line_bytes, tiles.lines, tiles.count * tiles.line_bytes, tiles.line_bytes);
        }
    }
    if (core == 0) {
        dma_wait(sent);
        shared->cycles = CYCLES - cycles;
        shared->instret = INSTRUCTIONS - instret;
        shared->computing = computing;
    }
}
