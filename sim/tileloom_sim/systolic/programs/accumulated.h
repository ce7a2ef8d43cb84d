// The C library of an array with a memory of sums (accumulators), over the instructions of tileloom_array.h. Only the
// last tile along k stores sums: a word of the others is a load and a step.
#pragma once
#include "array.h"

// Y = X W as tileloom_gemm, bit for bit, with the same layout and bitmap. With more vectors than the memory has sums
// for, a column is done in parts, each with all of its tiles.
void tileloom_accumulated_gemm(const struct tileloom_product *product);
