// What an encoder has between its products, on CV32E40P with its FPU. Matrices lie tile after tile, as tileloom_gemm takes
// and leaves them, a vector's words of a tile one behind the other: arrays whose columns are a multiple of 4 and no fewer
// than their rows. Bit for bit tileloom_golden.systolic.between.
#pragma once
#include <stdint.h>

struct tileloom_matrix {
    uint32_t *words;
    uint32_t vectors, tiles;  // words of them: a multiple of 8
};

// Each vector v becomes `power` 2^(`scale` v) over the sum of 2^(`scale` v), both words of FP32, `scale` positive. Of
// scores `scale` is log2(e) / sqrt(d) times the power of their keys, and `power` that of the values.
void tileloom_softmax(const struct tileloom_matrix *matrix, uint32_t scale, uint32_t power);

// Each vector of Y becomes one of X less its mean and over its deviation, with `epsilon` added to the variance. A factor
// and an addend for each element are left to the weights behind.
void tileloom_normalise(const struct tileloom_matrix *x, uint32_t *y, uint32_t epsilon);

// Negative words become 0.
void tileloom_rectify(const struct tileloom_matrix *matrix);

// Y += X.
void tileloom_residual(const struct tileloom_matrix *y, const uint32_t *x);
