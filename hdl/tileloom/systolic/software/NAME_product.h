// Products Y = X W of any size on a Tileloom systolic array: cut into tiles, laid out in memory as the array's streams
// want it, and run with whatever moves data between memory and streams. No allocation, no library.
//
// A transfer of a stream takes as many bytes in memory as the next power of two from its own: what a DMA controller has
// whose data is a power of two of bytes wide, with the upper ones left open at a stream that is not.
#ifndef TILELOOM_SYSTOLIC_PRODUCT_H
#define TILELOOM_SYSTOLIC_PRODUCT_H

#include "NAME_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TILELOOM_SYSTOLIC_ALIGNMENT 64u

// A piece of memory: where the processor has it, and at which address who moves data has it. Both are multiples of 64.
struct tileloom_systolic_memory {
    uint8_t *bytes;
    uint64_t address;
    uint64_t size;
};

enum tileloom_systolic_move { TILELOOM_SYSTOLIC_MOVING, TILELOOM_SYSTOLIC_MOVED, TILELOOM_SYSTOLIC_MOVE_FAILED };

// Moves data between memory and the array's streams, which have a channel each. Where a cache lies between processor
// and memory, these functions clean and invalidate it.
struct tileloom_systolic_mover {
    // Begin to move bytes from an address to a stream, the last with TLAST; or results to it. False: it cannot be.
    bool (*begin)(void *context, enum tileloom_systolic_stream stream, uint64_t address, uint64_t bytes);
    // What has become of it. Results have moved when they are in memory.
    enum tileloom_systolic_move (*state)(void *context, enum tileloom_systolic_stream stream);
    void *context;
};

// A product that was laid out, for tileloom_systolic_run and for new activations.
struct tileloom_systolic_product {
    struct tileloom_systolic_built built;
    struct tileloom_systolic_memory memory;
    uint32_t m, k, n;
    uint64_t results, weights, kept;  // where they begin in the memory, behind activations
    uint64_t size;                    // of all
    uint32_t tiles_skipped;           // tiles of weights that are zero
};

// Lay out Y = X W, X M x K and W K x N. Weights are row by row: integers in two's complement, floats as the array has
// them, words of 1, 2, 4 or 8 bytes, whichever holds them. Tiles of zeros are left out. With less memory than it takes
// the result is TILELOOM_SYSTOLIC_MEMORY, and product->size says how much that is.
enum tileloom_systolic_result tileloom_systolic_lay_out(const struct tileloom_systolic_built *built, uint32_t m,
                                                        uint32_t k, uint32_t n, const void *weights,
                                                        const struct tileloom_systolic_memory *memory,
                                                        struct tileloom_systolic_product *product);

// Put activations, M x K words of the array's format, row by row.
void tileloom_systolic_put_activations(const struct tileloom_systolic_product *product, const void *words);

// Run a product to its end; each of its jobs has at most so many cycles of the array's clock. A job has a tile of each
// column of tiles, and jobs go along K. With TILELOOM_SYSTOLIC_TIMEOUT or TILELOOM_SYSTOLIC_MOVE reset the array and
// what moves data; TILELOOM_SYSTOLIC_FAULT is that of the first job that has one, and the product ends there.
enum tileloom_systolic_result tileloom_systolic_run(struct tileloom_systolic *array,
                                                    const struct tileloom_systolic_product *product,
                                                    const struct tileloom_systolic_mover *mover, uint32_t cycles);

// Get results, M x N words of the accumulator's format.
void tileloom_systolic_get_results(const struct tileloom_systolic_product *product, void *words);

#ifdef __cplusplus
}
#endif

#endif
