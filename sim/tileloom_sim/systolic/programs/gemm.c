// Runs one product by one method, and counts its cycles and instructions. The job is described in job.h.
#include "counters.h"
#include "job.h"

#if defined(RUN_COMPUTED) || defined(RUN_SOFTENING)
#include "tileloom_array.h"
#endif
#if defined(WITH_GENERATOR)
#include "generator.h"
#if defined(RUN_RECTIFIED) || defined(RUN_SOFTENING)
#include "beside.h"
#endif
#elif defined(WITH_ACCUMULATORS)
#include "accumulated.h"
#elif defined(WITH_ARRAY)
#include "array.h"
#else
#include "software.h"
#endif

extern struct job __free;

// Returns 0, or what was wrong. Ways of an array that are asked for by a macro are programs of their own, so that nothing
// is decided while cycles are counted.
#ifdef WITH_ARRAY
#define PRODUCT(job)                                                                    \
    {(job)->x, (job)->w,        (job)->kept,     (job)->y,      (job)->m,     (job)->k, \
     (job)->n, (job)->x_vector, (job)->y_vector, (job)->x_tile, (job)->y_tile}

#if defined(RUN_ONTO)
static uint32_t run(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    return tileloom_fetched_gemm_onto(&product);
}
#elif defined(RUN_RECTIFIED)
static uint32_t run(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    struct tileloom_rectifying rectifying = {job->y, job->y_tile / 32, job->share, 0};
    const uint32_t wrong = tileloom_fetched_gemm_beside(&product, tileloom_rectify_beside, &rectifying);
    tileloom_rectify_rest(&rectifying, job->n);
    return wrong;
}
#elif defined(RUN_SOFTENING)
static uint32_t run(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    struct tileloom_softening softening = {{(uint32_t *)job->computed, job->vectors, job->tiles},
                                           4 * TILELOOM_STEPS * job->vectors, job->scale, job->quotient, job->share};
    const uint32_t wrong = tileloom_fetched_gemm_beside(&product, tileloom_soften_beside, &softening);
    tileloom_soften_rest(&softening);
    return wrong;
}
#elif defined(RUN_QUANTISING)
static uint32_t run(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    struct tileloom_quantising quantising = {{job->computed, job->made, job->vectors, job->tiles},
                                             job->matrices, job->turned, job->powers, job->share, 0, 0, 0, 0};
    const uint32_t wrong = tileloom_fetched_gemm_beside(&product, tileloom_quantise_beside, &quantising);
    tileloom_quantise_rest(&quantising);
    return wrong;
}
#else
static uint32_t run(struct job *job) {
#ifdef RUN_COMPUTED
    const uint32_t across = job->turned ? job->k * TILELOOM_ROWS / TILELOOM_COLUMNS : job->n;
    const uint32_t down = job->turned ? job->n * TILELOOM_COLUMNS : job->k * TILELOOM_ROWS;
    const struct tileloom_computed computed = {job->computed, (uint32_t *)job->w, down, across};
    const uint32_t cycles = COUNTER("mcycle");
    job->power = tileloom_quantise(&computed, job->turned);
    job->quantising = COUNTER("mcycle") - cycles;
#endif
    const struct tileloom_product product = PRODUCT(job);
#if defined(WITH_GENERATOR)
    return tileloom_fetched_gemm(&product);
#elif defined(WITH_ACCUMULATORS)
    tileloom_accumulated_gemm(&product);
    return 0;
#else
    tileloom_gemm(&product);
    return 0;
#endif
}
#endif
#else
static uint32_t run(struct job *job) {
    if (job->method == COMPILED) gemm_compiled(job);
    else if (job->method == PLAIN) gemm_plain(job);
    else gemm_blocked(job);
    return 0;
}
#endif

int main(void) {
    struct job *job = &__free;
    uint32_t events[EVENTS];
    // Events of CV32E40P's counters 3 to 7: load, store, jump, branch, and waiting for a load.
    __asm__ volatile("csrw mhpmevent3, %0" ::"r"(1 << 5));
    __asm__ volatile("csrw mhpmevent4, %0" ::"r"(1 << 6));
    __asm__ volatile("csrw mhpmevent5, %0" ::"r"(1 << 7));
    __asm__ volatile("csrw mhpmevent6, %0" ::"r"(1 << 8));
    __asm__ volatile("csrw mhpmevent7, %0" ::"r"(1 << 2));
    events[0] = COUNTER("mhpmcounter3");
    events[1] = COUNTER("mhpmcounter4");
    events[2] = COUNTER("mhpmcounter5");
    events[3] = COUNTER("mhpmcounter6");
    events[4] = COUNTER("mhpmcounter7");
    const uint32_t instret = COUNTER("minstret");
    const uint32_t cycles = COUNTER("mcycle");
    const uint32_t wrong = run(job);
    job->cycles = COUNTER("mcycle") - cycles;
    job->instret = COUNTER("minstret") - instret;
    job->events[0] = COUNTER("mhpmcounter3") - events[0];
    job->events[1] = COUNTER("mhpmcounter4") - events[1];
    job->events[2] = COUNTER("mhpmcounter5") - events[2];
    job->events[3] = COUNTER("mhpmcounter6") - events[3];
    job->events[4] = COUNTER("mhpmcounter7") - events[4];
    return wrong;
}
