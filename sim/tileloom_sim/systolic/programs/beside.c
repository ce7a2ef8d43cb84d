// What the core does while the array multiplies; see beside.h. Inner loops are in between.S.
#include "beside.h"

#include "tileloom_array.h"

void tileloom_softmax_row(uint32_t *row, uint32_t tiles, uint32_t tile_bytes, uint32_t scale, uint32_t power);
void tileloom_relu(uint32_t *words, uint32_t eighths);
void tileloom_relu_slowly(uint32_t *words, uint32_t eighths);

void tileloom_rectify_beside(void *state, uint32_t columns) {
    struct tileloom_rectifying *rectifying = state;
    uint32_t count = columns * rectifying->eighths - rectifying->done;
    if (count > rectifying->slice) count = rectifying->slice;
    if (!count) return;
    tileloom_relu_slowly(rectifying->words + 8 * rectifying->done, count);
    rectifying->done += count;
}

void tileloom_rectify_rest(struct tileloom_rectifying *rectifying, uint32_t columns) {
    const uint32_t done = rectifying->done, count = columns * rectifying->eighths - done;
    if (count) tileloom_relu(rectifying->words + 8 * done, count);
    rectifying->done += count;
}

static void soften(struct tileloom_softening *softening, uint32_t rows) {
    struct tileloom_matrix *left = &softening->matrix;
    for (; rows && left->vectors; --rows, --left->vectors, left->words += TILELOOM_STEPS) {
        tileloom_softmax_row(left->words, left->tiles, softening->tile_bytes, softening->scale, softening->power);
    }
}

void tileloom_soften_beside(void *state, uint32_t columns) {
    struct tileloom_softening *softening = state;
    (void)columns;
    soften(softening, softening->rows);
}

void tileloom_soften_rest(struct tileloom_softening *softening) { soften(softening, softening->matrix.vectors); }
