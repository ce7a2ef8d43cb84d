// The C library of an array with an address generator; see generator.h.
#include "generator.h"

#include "tileloom_array.h"

void tileloom_prepare(const uint32_t *w, uint32_t vectors, uint32_t x_stride, uint32_t y_stride) {
    tileloom_wait();
    tileloom_setting((uint32_t)w, TILELOOM_SET_WEIGHTS);
    tileloom_setting(vectors, TILELOOM_SET_VECTORS);
    tileloom_setting(x_stride, TILELOOM_SET_X_STRIDE);
    tileloom_setting(y_stride, TILELOOM_SET_Y_STRIDE);
}

uint32_t tileloom_begin_partial_gemm(const uint32_t *x, uint32_t *y, uint32_t first) {
    uint32_t refused;
    while ((refused = tileloom_multiply((uint32_t)x, (uint32_t)y | (first != 0 ? TILELOOM_FIRST : 0)))) {
        if (tileloom_error(refused)) return tileloom_error(refused);
    }
    return 0;
}

static void clear(uint32_t y, uint32_t vectors, uint32_t stride) {
    for (; vectors; --vectors, y += stride) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; ++i) ((uint32_t *)y)[i] = 0;
    }
}

uint32_t tileloom_fetched_gemm(const struct tileloom_product *product) {
    tileloom_prepare(product->w, product->vectors, product->x_stride, product->y_stride);
    const uint32_t *kept = product->kept;
    uint32_t y = (uint32_t)product->y, bits = 0, left = 0;
    for (uint32_t column = 0; column < product->tiles_n; ++column, y += product->y_tile) {
        uint32_t x = (uint32_t)product->x, first = 1;
        for (uint32_t row = 0; row < product->tiles_k; ++row, x += product->x_tile, bits >>= 1, --left) {
            if (!left) bits = *kept++, left = 32;
            if (!(bits & 1)) continue;
            const uint32_t error = tileloom_begin_partial_gemm((const uint32_t *)x, (uint32_t *)y, first);
            if (error) return error;
            first = 0;
        }
        if (first) clear(y, product->vectors, product->y_stride);
    }
    return tileloom_wait();
}
