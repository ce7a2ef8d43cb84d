// Runs layers on an engine through its driver in C, on the RISC-V system: laid out here, waited for by polling or with
// the core asleep until the interrupt. What is asked for is described in job.h.
#include "device.h"

#include "NAME_driver.c"
#include "NAME_program.h"
#include "counters.h"
#include "job.h"

extern struct {
    uint32_t count;
    struct job jobs[];
} __free;

static struct tileloom_engine engine;

bool device_interrupt(void) { return tileloom_engine_interrupt(&engine); }

static enum tileloom_engine_result run(struct job *job, uint64_t program, uint32_t cycles) {
    const struct tileloom_engine_counters before = tileloom_engine_count(&engine);
    const uint32_t begin = COUNTER("mcycle");
    job->started = tileloom_engine_start(&engine, program);
    (void)READ(engine.base, ID);
    job->start_cycles = COUNTER("mcycle") - begin;
    const uint32_t started = time();
    const enum tileloom_engine_result waited = tileloom_engine_wait(&engine, cycles);
    job->run_cycles = time() - started;
    const struct tileloom_engine_counters after = tileloom_engine_count(&engine);
    job->skipped = after.blocks_skipped - before.blocks_skipped;
    job->busy = after.busy_cycles - before.busy_cycles;
    return waited;
}

static void give_up(struct job *job, uint64_t program) {
    job->timeout = run(job, program, 10);
    job->refused = tileloom_engine_start(&engine, program);
    job->reset = tileloom_engine_reset(&engine, 10000);
}

static void let_end(struct job *job, uint64_t program) {
    job->timeout = run(job, program, 10);
    while (READ(engine.base, STATUS) != 0) {
    }
}

// The first index entry is where the first CONV says, the second descriptor.
static void break_index(struct job *job, const struct tileloom_engine_program *program) {
    const uint8_t *conv = (const uint8_t *)(uintptr_t)program->start + TILELOOM_ENGINE_DESCRIPTOR_BYTES;
    volatile uint16_t *entry = (volatile uint16_t *)(uintptr_t)(conv[24] | conv[25] << 8 | conv[26] << 16 |
                                                               (uint32_t)conv[27] << 24);
    const uint16_t right = *entry;
    *entry = 0x8000 | 0x3fff;
    job->broken = run(job, program->start, TILELOOM_ENGINE_FOREVER);
    *entry = right;
    job->still_broken = run(job, program->start, TILELOOM_ENGINE_FOREVER);
    job->reset = tileloom_engine_reset(&engine, 10000);
}

static void run_job(struct job *job) {
    const struct tileloom_engine_layer layer = {
        .height = job->height, .width = job->width, .channels = job->channels, .outputs = job->outputs,
        .kernel_height = job->kernel_height, .kernel_width = job->kernel_width, .stride = job->stride,
        .pad_top = job->pad_top, .pad_bottom = job->pad_bottom, .pad_left = job->pad_left,
        .pad_right = job->pad_right, .relu = job->relu != 0};
    struct tileloom_engine_memory memory = {job->memory, (uintptr_t)job->memory, 0};
    struct tileloom_engine_program program;
    job->laid_out = tileloom_engine_lay_out(&engine.built, &layer, job->weights, job->columns, &memory, &program);
    job->size = (uint32_t)program.size;
    if (job->laid_out != TILELOOM_ENGINE_MEMORY) return;
    memory.size = job->bytes;
    job->laid_out = tileloom_engine_lay_out(&engine.built, &layer, job->weights, job->columns, &memory, &program);
    if (job->laid_out != TILELOOM_ENGINE_OK) return;
    job->blocks_skipped = program.blocks_skipped;
    tileloom_engine_put_activations(&program, job->activations);
    tileloom_engine_use_interrupts(&engine, job->interrupts != 0);
    if (job->happening == GIVE_UP) give_up(job, program.start);
    if (job->happening == LET_END) let_end(job, program.start);
    if (job->happening == BREAK_INDEX) break_index(job, &program);
    job->waited = run(job, program.start, TILELOOM_ENGINE_FOREVER);
    const struct tileloom_engine_fault fault = tileloom_engine_fault(&engine);
    job->fault = (uint32_t)fault.error | (uint32_t)fault.write << 1 | fault.response << 2 |
                 (uint32_t)fault.row_range << 4 | (uint32_t)fault.row_order << 5;
    job->fault_address = (uint32_t)fault.address;
    tileloom_engine_get_results(&program, job->results);
    job->interrupted = interrupted;
}

int main(void) {
    const enum tileloom_engine_result opened = tileloom_engine_open(&engine, DEVICE_BASE);
    if (opened != TILELOOM_ENGINE_OK) return (int)opened;
    device_allow_interrupts();
    for (uint32_t i = 0; i < __free.count; ++i) run_job(&__free.jobs[i]);
    return 0;
}
