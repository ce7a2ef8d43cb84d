// Runs products on an array through its driver in C, on the RISC-V system: laid out here, moved by the system's DMA
// channels, waited for by polling or with the core asleep until the interrupt. What is asked for is in products.h.
#include "device.h"

#include "NAME_driver.c"
#include "NAME_dma.h"
#include "counters.h"
#include "products.h"

#define DMA_BASE 0x10001000u
#define DMA_SPACING 0x40u
#define DMA_MOST 0xFFFFFFu
#define LIMIT 1000000u

extern struct {
    uint32_t count;
    struct job jobs[];
} __free;

static struct tileloom_systolic array;
static struct tileloom_systolic_dma dma;
static struct tileloom_systolic_mover mover;

bool device_interrupt(void) { return tileloom_systolic_interrupt(&array); }

static void recover(struct job *job) {
    job->reset = tileloom_systolic_reset(&array, 10000);
    job->moves_reset = tileloom_systolic_dma_reset(&dma);
}

static void give_up(struct job *job, const struct tileloom_systolic_product *product) {
    const struct tileloom_systolic_job other = {1, 1, false, false};
    job->broken = tileloom_systolic_run(&array, product, &mover, 20);
    job->refused = tileloom_systolic_start(&array, &other);
    recover(job);
}

static void fail_at_infinity(struct job *job, const struct tileloom_systolic_product *product) {
    tileloom_systolic_put_activations(product, job->infinite);
    job->broken = tileloom_systolic_run(&array, product, &mover, LIMIT);
    const struct tileloom_systolic_fault fault = tileloom_systolic_fault(&array);
    job->fault = (uint32_t)fault.last_early | (uint32_t)fault.last_missing << 1 | (uint32_t)fault.not_finite << 2 |
                 (uint32_t)fault.overflow << 3;
    job->fault_stream = fault.stream;
    job->fault_tile = fault.tile;
    job->fault_vector = fault.vector;
    tileloom_systolic_put_activations(product, job->activations);
}

static void run_out_of_reach(struct job *job, const struct tileloom_systolic_product *product) {
    struct tileloom_systolic_product elsewhere = *product;
    elsewhere.memory.address = 64;
    job->broken = tileloom_systolic_run(&array, &elsewhere, &mover, 2000);
    recover(job);
}

// A start is timed by itself, of a job without data, which is given up.
static void time_start(struct job *job) {
    const struct tileloom_systolic_job nothing = {1, 1, false, false};
    const uint32_t begin = COUNTER("mcycle");
    (void)tileloom_systolic_start(&array, &nothing);
    (void)READ(array.base, ID);
    job->start_cycles = COUNTER("mcycle") - begin;
    (void)tileloom_systolic_reset(&array, 10000);
}

static void run_job(struct job *job) {
    struct tileloom_systolic_memory memory = {job->memory, (uintptr_t)job->memory, 0};
    struct tileloom_systolic_product product;
    time_start(job);
    job->no_room = tileloom_systolic_lay_out(&array.built, job->m, job->k, job->n, job->weights, &memory, &product);
    job->size = (uint32_t)product.size;
    memory.size = job->bytes;
    job->laid_out = tileloom_systolic_lay_out(&array.built, job->m, job->k, job->n, job->weights, &memory, &product);
    if (job->laid_out != TILELOOM_SYSTOLIC_OK) return;
    job->tiles_skipped = product.tiles_skipped;
    tileloom_systolic_put_activations(&product, job->activations);
    if (job->happening == GIVE_UP) give_up(job, &product);
    if (job->happening == INFINITE) fail_at_infinity(job, &product);
    if (job->happening == UNREACHABLE) run_out_of_reach(job, &product);
    tileloom_systolic_use_interrupts(&array, job->interrupts != 0);
    const struct tileloom_systolic_counters before = tileloom_systolic_count(&array);
    const uint32_t begin = time();
    job->ran = tileloom_systolic_run(&array, &product, &mover, LIMIT);
    job->run_cycles = time() - begin;
    const struct tileloom_systolic_counters after = tileloom_systolic_count(&array);
    tileloom_systolic_use_interrupts(&array, false);
    job->results_taken = after.results - before.results;
    job->busy = after.busy_cycles - before.busy_cycles;
    tileloom_systolic_get_results(&product, job->results);
    job->interrupted = interrupted;
}

int main(void) {
    const enum tileloom_systolic_result opened = tileloom_systolic_open(&array, DEVICE_BASE);
    if (opened != TILELOOM_SYSTOLIC_OK) return (int)opened;
    dma.most = DMA_MOST;
    for (uint32_t i = 0; i < 4; ++i) dma.channels[i] = DMA_BASE + i * DMA_SPACING;
    mover = tileloom_systolic_dma_mover(&dma);
    device_allow_interrupts();
    for (uint32_t i = 0; i < __free.count; ++i) run_job(&__free.jobs[i]);
    return 0;
}
