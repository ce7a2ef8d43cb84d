// How a sum becomes INT8: by its magnitude, so that adding a half rounds halves away from zero.
#pragma once
#include "tileloom_nn.h"

static inline int32_t clip(int32_t value, int32_t least) {
    value = value > 127 ? 127 : value;
    return value < least ? least : value;
}

// `sum` has its bias. No branch but for the ends, which CV32E40P has instructions for: it takes as long for any sum.
static inline int8_t requantise(int32_t sum, const struct tileloom_channel *channel, int32_t least) {
    const uint32_t sign = (uint32_t)(sum >> 31), magnitude = ((uint32_t)sum ^ sign) - sign;
    const uint32_t high = (uint32_t)((uint64_t)magnitude * channel->multiplier >> 32);
    const uint32_t rounded = (high + (1u << (channel->shift - 1))) >> channel->shift;
    return (int8_t)clip((int32_t)((rounded ^ sign) - sign), least);
}

// The same in assembly, for the end of a row: %[m] and %[s] are multiplier and shift, %[t] is free. 9 instructions
// of 13 cycles, of which mulhu takes 5.
#define REQUANTISE(sum, out)               \
    "srai %[t], " sum ", 31\n"             \
    "cv.abs " sum ", " sum "\n"            \
    "mulhu " sum ", " sum ", %[m]\n"       \
    "cv.addurnr " sum ", x0, %[s]\n"       \
    "xor " sum ", " sum ", %[t]\n"         \
    "sub " sum ", " sum ", %[t]\n"         \
    "cv.clip " sum ", " sum ", 8\n"        \
    "cv.max " sum ", " sum ", %[least]\n"  \
    "cv.sb " sum ", (" out "), 1\n"
