// What the host asks of cluster_layers.c: one layer, one kernel, in tiles of output channels. The host lays this
// structure out as 32-bit words in this order (layers.py), in L2 at the first free address after the program.
#pragma once
#include "job.h"

struct cluster_job {
    struct job layer;        // of a tile; addresses in L1, but for weights and offsets: bytes from a tile's beginning
    uint32_t active;         // cores that compute
    uint32_t tiles;          // of `layer.rows` output channels each
    const uint8_t *input;    // in L2
    uint32_t input_bytes;
    const uint8_t *tile;     // in L2: weights and offsets of each tile, behind each other
    uint32_t tile_bytes;
    uint8_t *output;         // in L2: pixels x all output channels, INT32
    uint8_t *tile_buffers[2], *output_buffers[2];  // in L1
    uint32_t core_bytes;     // from a core's patches, pairs and spare words to the next core's
    uint32_t core_weights, core_offsets;  // fully connected: bytes from a core's part of a tile to the next one's
};
