// The C library of an array with an address generator: products of any size, which the array fetches and stores by
// itself. The core gives a command for each tile, and does something else meanwhile if it likes.
//
// X and Y lie as array.h says, but with the strides that are given and no words beyond a tile's own. Vectors that start
// at multiples of the memory port's bytes take the fewest cycles.
#pragma once
#include "array.h"

// Set where tiles of weights begin, packed and one behind the other, and for all tiles to come the number of vectors and
// the bytes from one to the next. Waits until no command is left.
void tileloom_prepare(const uint32_t *w, uint32_t vectors, uint32_t x_stride, uint32_t y_stride);

// Y += X times the next tile; with `how` TILELOOM_FIRST Y = X times it. In an array that holds sums they are not in Y
// but in the array: with TILELOOM_MORE, too, they stay there, and without it they go to Y. Returns once the command is
// taken, 0, or with the error of an earlier one. Y is complete, and X and Y may be used, once tileloom_wait has returned.
uint32_t tileloom_begin_partial_gemm(const uint32_t *x, uint32_t *y, uint32_t how);

// Y = X W, as tileloom_gemm; returns tileloom_wait's error. `vectors` may be 1 to 65,536.
uint32_t tileloom_fetched_gemm(const struct tileloom_product *product);

// Y += X W: a residual sum costs nothing. Not of an array that holds sums, nor the next one.
uint32_t tileloom_fetched_gemm_onto(const struct tileloom_product *product);

// Y = X W, and meanwhile what the core has to do: `work` is called after each command, and what it does should take no
// longer than a tile. Of Y `done` columns of tiles are complete and may be used, with 8 vectors or more.
typedef void tileloom_work(void *state, uint32_t done);
uint32_t tileloom_fetched_gemm_beside(const struct tileloom_product *product, tileloom_work *work, void *state);
