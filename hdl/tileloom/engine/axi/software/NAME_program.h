// Programs of a Tileloom block-sparse tile engine, and their data in memory: docs/engine.md, AXI4 master variant.
//
// tileloom_engine_lay_out makes the whole program of a layer, cut into strips that fit the engine, in one piece of
// memory of the caller's; a program runs as often as it is started, on what tileloom_engine_put_activations puts there:
//
//     struct tileloom_engine_layer layer = tileloom_engine_product(m, k, n);
//     struct tileloom_engine_program program;
//     tileloom_engine_lay_out(&engine.built, &layer, weights, columns, &memory, &program);
//     tileloom_engine_put_activations(&program, x);
//     tileloom_engine_start(&engine, program.start);
//     tileloom_engine_wait(&engine, cycles);
//     tileloom_engine_get_results(&program, y);
//
// Words of activations, weights and results have the bits that the engine says, in the least significant bits of 1, 2
// or 4 bytes. Processor and engine are little-endian.
#ifndef TILELOOM_ENGINE_PROGRAM_H
#define TILELOOM_ENGINE_PROGRAM_H

#include "NAME_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TILELOOM_ENGINE_SLOTS 12
#define TILELOOM_ENGINE_DESCRIPTOR_BYTES 64u

// Opcodes, of slot 0 of a command, and flags beside them. Opcode 0 ends a program.
enum { TILELOOM_ENGINE_LOAD = 1, TILELOOM_ENGINE_CONV = 2, TILELOOM_ENGINE_WRITE = 3 };
enum {
    TILELOOM_ENGINE_ACCUMULATE = 1 << 8,
    TILELOOM_ENGINE_FINISH = 1 << 9,
    TILELOOM_ENGINE_RELEASE = 1 << 10,
    TILELOOM_ENGINE_MASKED = 1 << 11,
    TILELOOM_ENGINE_RELU = 1 << 8  // of WRITE
};

// A command and where its data is.
struct tileloom_engine_descriptor {
    uint16_t command[TILELOOM_ENGINE_SLOTS];
    uint64_t address;  // of the first unit; CONV: of the index
    uint32_t step, plane, line;
    uint32_t run;      // bytes; CONV: of the index
    uint16_t lines;
    uint32_t weight_bytes;
    uint64_t weights;
};

void tileloom_engine_encode(const struct tileloom_engine_descriptor *descriptor,
                            uint8_t bytes[TILELOOM_ENGINE_DESCRIPTOR_BYTES]);

// A convolution, height x width x channels to output height x output width x outputs.
struct tileloom_engine_layer {
    uint32_t height, width, channels, outputs;
    uint32_t kernel_height, kernel_width;  // at most 255
    uint32_t stride;                       // at most 15
    uint32_t pad_top, pad_bottom, pad_left, pad_right;  // each at most 15, and smaller than the kernel
    bool relu;
};

// The product of M x K and K x N: a convolution of a row of M pixels.
struct tileloom_engine_layer tileloom_engine_product(uint32_t m, uint32_t k, uint32_t n);

uint32_t tileloom_engine_output_height(const struct tileloom_engine_layer *layer);
uint32_t tileloom_engine_output_width(const struct tileloom_engine_layer *layer);

// What an output's sums are requantised with: round((sum + bias) * scale / 2^shift) + zero_point. An engine that does
// not requantise looks at bias only, INT32 or a word of its sums; one without result_zero_point not at zero_point.
uint64_t tileloom_engine_column(uint32_t bias, uint16_t scale, uint8_t shift, int8_t zero_point);

// A piece of memory as processor and engine see it.
struct tileloom_engine_memory {
    uint8_t *bytes;
    uint64_t address;  // a multiple of 64
    uint64_t size;
};

// A layer in memory.
struct tileloom_engine_program {
    struct tileloom_engine_built built;
    struct tileloom_engine_layer layer;
    uint8_t *activations, *results;  // [channel block][y][x][channel in block]
    uint64_t start;                  // for tileloom_engine_start
    uint64_t size;                   // bytes of memory that it takes
    uint32_t blocks_skipped;         // blocks of zeros, each time that they are passed over
};

// Lay out a layer's program and weights, and find where activations and results go. Blocks of weights that are all zero
// are left out. With too little memory the result is TILELOOM_ENGINE_MEMORY, and program->size what it takes: ask with
// memory->size 0 to find out. Too small buffers, and layers that cannot be, have results of their own.
//
// weights: outputs x kernel height x kernel width x channels words; of a product N rows of K. columns: one for each
// output, of tileloom_engine_column.
enum tileloom_engine_result tileloom_engine_lay_out(const struct tileloom_engine_built *built,
                                                    const struct tileloom_engine_layer *layer, const void *weights,
                                                    const uint64_t *columns,
                                                    const struct tileloom_engine_memory *memory,
                                                    struct tileloom_engine_program *program);

// Put activations, height x width x channels words, where the program reads them.
void tileloom_engine_put_activations(const struct tileloom_engine_program *program, const void *words);

// Get results, output height x output width x outputs words, from where the program wrote them.
void tileloom_engine_get_results(const struct tileloom_engine_program *program, void *words);

#ifdef __cplusplus
}
#endif

#endif
