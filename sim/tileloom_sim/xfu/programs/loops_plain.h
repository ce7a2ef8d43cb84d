// What the innermost loops of the kernels in C are made of, for a core without CORE-V's extensions: of kernels that store
// sums (`kernels_plain.h`), and of those that store INT8 (`../library`).
#pragma once
#include "xdecimate.h"

#define ALWAYS static inline __attribute__((always_inline))

// The dot product of a word of four INT8 and four in memory.
ALWAYS int32_t dot(uint32_t x, const int8_t *w) {
    int32_t sum = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) sum += (int8_t)(x >> 8 * i) * w[i];
    return sum;
}

// xdecimate.<group>, behind keep_offsets for its word of offsets; the group is known when this is compiled.
#ifdef XDECIMATE_TWO_OPERANDS
ALWAYS void keep_offsets(uint32_t offsets) { xdecimate_set_offsets(offsets); }
#define DECIMATE(group, rd, base, offsets) xdecimate_##group(rd, base)
#else
ALWAYS void keep_offsets(uint32_t offsets) { (void)offsets; }
#define DECIMATE(group, rd, base, offsets) xdecimate_##group(rd, base, offsets)
#endif
ALWAYS uint32_t decimate(uint32_t rd, const void *base, uint32_t offsets, const uint32_t group) {
    (void)offsets;
    return group == 4   ? DECIMATE(4, rd, base, offsets)
           : group == 8 ? DECIMATE(8, rd, base, offsets)
                        : DECIMATE(16, rd, base, offsets);
}
