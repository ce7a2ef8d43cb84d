// The runtime of a cluster: who the core is, barriers, events and the DMA engine (docs/cluster.md).
#pragma once
#include <stdint.h>

#define CLUSTER_WORD(address) (*(volatile uint32_t *)(address))

// Of the event unit; each core sees its own.
#define CLUSTER_CORE 0x30000000u
#define CLUSTER_CORES 0x30000004u
#define CLUSTER_EVENTS_MASK 0x30000008u
#define CLUSTER_EVENTS 0x3000000cu
#define CLUSTER_WAIT 0x30000010u
#define CLUSTER_TRIGGER 0x30000014u
#define CLUSTER_BARRIER_MASK(b) (0x30000020u + 4u * (b))
#define CLUSTER_BARRIER(b) (0x30000030u + 4u * (b))

// Of the DMA engine.
#define DMA_CLAIM 0x30001000u
#define DMA_L2 0x30001004u
#define DMA_L1 0x30001008u
#define DMA_BYTES 0x3000100cu
#define DMA_ROWS 0x30001010u
#define DMA_L2_STRIDE 0x30001014u
#define DMA_L1_STRIDE 0x30001018u
#define DMA_START 0x3000101cu
#define DMA_DONE 0x30001020u

enum dma_direction { TO_L1, TO_L2 };

static inline uint32_t cluster_core(void) { return CLUSTER_WORD(CLUSTER_CORE); }
static inline uint32_t cluster_cores(void) { return CLUSTER_WORD(CLUSTER_CORES); }

// Wait for all cores of barrier b's mask; what they wrote before is then seen by all.
static inline void cluster_barrier(uint32_t b) {
    __asm__ volatile("" ::: "memory");
    (void)CLUSTER_WORD(CLUSTER_BARRIER(b));
    __asm__ volatile("" ::: "memory");
}

// Start a transfer of rows of bytes that begin a stride apart on each side, and return its number. Any core may; it
// waits while another one describes a transfer and while four wait.
static inline uint32_t dma_start(enum dma_direction direction, const void *l2, void *l1, uint32_t bytes,
                                 uint32_t rows, uint32_t l2_stride, uint32_t l1_stride) {
    uint32_t number;
    __asm__ volatile("" ::: "memory");
    while ((number = CLUSTER_WORD(DMA_CLAIM)) == 0) {
    }
    CLUSTER_WORD(DMA_L2) = (uint32_t)(uintptr_t)l2;
    CLUSTER_WORD(DMA_L1) = (uint32_t)(uintptr_t)l1;
    CLUSTER_WORD(DMA_BYTES) = bytes;
    CLUSTER_WORD(DMA_ROWS) = rows;
    CLUSTER_WORD(DMA_L2_STRIDE) = l2_stride;
    CLUSTER_WORD(DMA_L1_STRIDE) = l1_stride;
    CLUSTER_WORD(DMA_START) = direction;
    return number;
}

// Wait until a transfer, and all before it, are complete. An event that comes between the two reads is kept.
static inline void dma_wait(uint32_t number) {
    while ((int16_t)(CLUSTER_WORD(DMA_DONE) - number) < 0) (void)CLUSTER_WORD(CLUSTER_WAIT);
    __asm__ volatile("" ::: "memory");
}
