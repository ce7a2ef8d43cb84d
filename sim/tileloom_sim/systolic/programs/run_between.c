// Runs one of what stands between products, and counts its cycles. The host lays the job out as 32-bit words in this
// order (between.py), at the first free address after the program.
#include "between.h"
#include "counters.h"

enum operation { SOFTMAX, NORMALISE, RECTIFY, RESIDUAL };

extern struct job {
    uint32_t operation;
    uint32_t *x, *y;  // what there is; for NORMALISE what it becomes, for RESIDUAL what is added to x
    uint32_t vectors, tiles;
    uint32_t first, second;  // words of FP32: scale and power, or epsilon
    uint32_t cycles, instret;
} __free;

int main(void) {
    struct job *job = &__free;
    const struct tileloom_matrix matrix = {job->x, job->vectors, job->tiles};
    const uint32_t instret = COUNTER("minstret");
    const uint32_t cycles = COUNTER("mcycle");
    if (job->operation == SOFTMAX) tileloom_softmax(&matrix, job->first, job->second);
    else if (job->operation == NORMALISE) tileloom_normalise(&matrix, job->y, job->first);
    else if (job->operation == RECTIFY) tileloom_rectify(&matrix);
    else tileloom_residual(&matrix, job->y);
    job->cycles = COUNTER("mcycle") - cycles;
    job->instret = COUNTER("minstret") - instret;
    return 0;
}
