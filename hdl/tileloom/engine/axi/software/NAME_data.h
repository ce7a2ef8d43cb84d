// Inside of NAME_program.c and NAME_data.c: memory that is filled from its beginning.
#ifndef TILELOOM_ENGINE_DATA_H
#define TILELOOM_ENGINE_DATA_H

#include "NAME_program.h"

// What does not fit is counted only.
struct tileloom_engine_place {
    const struct tileloom_engine_memory *memory;
    uint64_t used;
};

// Blocks `block` to `block + blocks - 1` of columns `column` to `column + columns - 1` of a layer's weights.
struct tileloom_engine_part {
    uint32_t block, blocks, column, columns;
};

// Make the place's end a multiple of 64.
void tileloom_engine_align(struct tileloom_engine_place *place);

// Put the index of a part, then its weights; fill in where they are. Returns the blocks that are left out.
uint32_t tileloom_engine_put_weights(const struct tileloom_engine_program *program, const void *weights,
                                     const uint64_t *columns, struct tileloom_engine_part part,
                                     struct tileloom_engine_place *place,
                                     struct tileloom_engine_descriptor *descriptor);

#endif
