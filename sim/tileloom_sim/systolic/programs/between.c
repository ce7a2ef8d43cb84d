// What an encoder has between its products; see between.h. Inner loops are in between.S.
#include "between.h"

#include "tileloom_array.h"

void tileloom_softmax_row(uint32_t *row, uint32_t tiles, uint32_t tile_bytes, uint32_t scale, uint32_t power);
void tileloom_normalise_row(const uint32_t *x, uint32_t *y, uint32_t tiles, uint32_t tile_bytes, uint32_t share,
                            uint32_t epsilon);
void tileloom_relu(uint32_t *words, uint32_t eighths);
void tileloom_add(uint32_t *y, const uint32_t *x, uint32_t eighths);

static uint32_t bytes_of_tile(const struct tileloom_matrix *matrix) { return 4 * TILELOOM_STEPS * matrix->vectors; }

static uint32_t eighths(const struct tileloom_matrix *matrix) {
    return matrix->tiles * matrix->vectors * TILELOOM_STEPS / 8;
}

void tileloom_softmax(const struct tileloom_matrix *matrix, uint32_t scale, uint32_t power) {
    uint32_t *row = matrix->words;
    for (uint32_t i = 0; i < matrix->vectors; ++i, row += TILELOOM_STEPS) {
        tileloom_softmax_row(row, matrix->tiles, bytes_of_tile(matrix), scale, power);
    }
}

void tileloom_normalise(const struct tileloom_matrix *x, uint32_t *y, uint32_t epsilon) {
    union {
        float value;
        uint32_t word;
    } share = {1.0f / (float)(x->tiles * TILELOOM_COLUMNS)};
    const uint32_t *row = x->words;
    for (uint32_t i = 0; i < x->vectors; ++i, row += TILELOOM_STEPS, y += TILELOOM_STEPS) {
        tileloom_normalise_row(row, y, x->tiles, bytes_of_tile(x), share.word, epsilon);
    }
}

void tileloom_rectify(const struct tileloom_matrix *matrix) { tileloom_relu(matrix->words, eighths(matrix)); }

void tileloom_residual(const struct tileloom_matrix *y, const uint32_t *x) { tileloom_add(y->words, x, eighths(y)); }
