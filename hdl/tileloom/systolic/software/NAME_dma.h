// What moves a product's data: channels of AXI DMA controllers in direct register mode, as AMD's PG021 has them. Other
// controllers are a struct tileloom_systolic_mover of one's own, of about this length.
#ifndef TILELOOM_SYSTOLIC_DMA_H
#define TILELOOM_SYSTOLIC_DMA_H

#include "NAME_product.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tileloom_systolic_dma {
    // Addresses of the channels' registers, by the stream: a controller's base for one that reads memory (MM2S), 0x30
    // behind it for the one that writes (S2MM), which takes results.
    uintptr_t channels[4];
    uint64_t most;  // bytes of a move: 2^(width of its buffer length register) - 1
};

// The functions for tileloom_systolic_run, with the controllers as their context.
struct tileloom_systolic_mover tileloom_systolic_dma_mover(struct tileloom_systolic_dma *dma);

// Give up what is under way, after an error too. False: a channel is still at it.
bool tileloom_systolic_dma_reset(const struct tileloom_systolic_dma *dma);

#ifdef __cplusplus
}
#endif

#endif
