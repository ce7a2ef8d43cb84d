// What the core does while the array multiplies; see beside.h. Inner loops are in between.S.
#include "beside.h"

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
