// Runs one product by one method, and counts its cycles and instructions. The job is described in job.h.
#include "counters.h"
#include "job.h"

#if defined(WITH_QUANTISE)
#include "array.h"
#include "tileloom_array.h"
#endif
#if defined(WITH_GENERATOR)
#include "generator.h"
#ifdef WITH_BESIDE
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

// Each returns 0, or what was wrong.
#ifdef WITH_ARRAY
#define PRODUCT(job)                                                                               \
    {(job)->x, (job)->w,        (job)->kept,     (job)->y,      (job)->m,     (job)->k, \
     (job)->n, (job)->x_vector, (job)->y_vector, (job)->x_tile, (job)->y_tile}

static uint32_t run(struct job *job) {
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

#ifdef WITH_ONTO
static uint32_t run_onto(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    return tileloom_fetched_gemm_onto(&product);
}
#endif

#ifdef WITH_BESIDE
static uint32_t run_rectified(struct job *job) {
    const struct tileloom_product product = PRODUCT(job);
    struct tileloom_rectifying rectifying = {job->y, job->y_tile / 32, job->slice, 0};
    const uint32_t wrong = tileloom_fetched_gemm_beside(&product, tileloom_rectify_beside, &rectifying);
    tileloom_rectify_rest(&rectifying, job->n);
    return wrong;
}
#endif

#ifdef WITH_QUANTISE
static uint32_t run_computed(struct job *job) {
    const uint32_t across = job->turned ? job->k * TILELOOM_ROWS / TILELOOM_COLUMNS : job->n;
    const uint32_t down = job->turned ? job->n * TILELOOM_COLUMNS : job->k * TILELOOM_ROWS;
    const struct tileloom_computed computed = {job->computed, (uint32_t *)job->w, down, across};
    const uint32_t cycles = COUNTER("mcycle");
    job->power = tileloom_quantise(&computed, job->turned);
    job->quantising = COUNTER("mcycle") - cycles;
    return run(job);
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

// Which way it is run is decided before anything is counted.
static inline __attribute__((always_inline)) int counted(struct job *job, uint32_t (*how)(struct job *)) {
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
    const uint32_t wrong = how(job);
    job->cycles = COUNTER("mcycle") - cycles;
    job->instret = COUNTER("minstret") - instret;
    job->events[0] = COUNTER("mhpmcounter3") - events[0];
    job->events[1] = COUNTER("mhpmcounter4") - events[1];
    job->events[2] = COUNTER("mhpmcounter5") - events[2];
    job->events[3] = COUNTER("mhpmcounter6") - events[3];
    job->events[4] = COUNTER("mhpmcounter7") - events[4];
    return (int)wrong;
}

int main(void) {
    struct job *job = &__free;
#ifdef WITH_QUANTISE
    if (job->computed) return counted(job, run_computed);
#endif
#ifdef WITH_ONTO
    if (job->onto) return counted(job, run_onto);
#endif
#ifdef WITH_BESIDE
    if (job->slice) return counted(job, run_rectified);
#endif
    return counted(job, run);
}
