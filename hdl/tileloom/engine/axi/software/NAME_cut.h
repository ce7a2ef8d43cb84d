// Inside of the driver: how a layer is cut into strips.
#ifndef TILELOOM_ENGINE_CUT_H
#define TILELOOM_ENGINE_CUT_H

#include "NAME_program.h"

// Output pixels of a strip, and the channel blocks of a part.
struct tileloom_engine_cut {
    uint32_t rows, width, blocks;
};

static inline uint32_t divide_up(uint32_t value, uint32_t divisor) { return value / divisor + (value % divisor != 0); }

static inline uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

// Whether there is such a layer, and its sizes fit the fields of descriptors.
bool tileloom_engine_is_layer(const struct tileloom_engine_built *built, const struct tileloom_engine_layer *layer);

// G: groups of m places in a phase of an image row (docs/engine.md, the A buffer).
uint32_t tileloom_engine_phase_groups(const struct tileloom_engine_built *built,
                                      const struct tileloom_engine_layer *layer, uint32_t width);

// Find the cut with the fewest strips. False: not even one pixel fits.
bool tileloom_engine_find_cut(const struct tileloom_engine_built *built, const struct tileloom_engine_layer *layer,
                              struct tileloom_engine_cut *cut);

#endif
