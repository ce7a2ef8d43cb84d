// The driver of a Tileloom systolic array with registers: C99, no allocation, no library. It starts jobs and waits for
// them; data goes through the array's AXI4-Streams, by DMA controllers: NAME_product.h has whole products with their
// data. It serves every array.
//
// One thread at a time calls it for an array; tileloom_systolic_interrupt may interrupt that thread, if both run on one
// processor. A job is done when who takes the results has taken the last one, which need not be in memory yet.
#ifndef TILELOOM_SYSTOLIC_DRIVER_H
#define TILELOOM_SYSTOLIC_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILELOOM_SYSTOLIC_FOREVER UINT32_MAX

enum tileloom_systolic_result {
    TILELOOM_SYSTOLIC_OK,
    TILELOOM_SYSTOLIC_ABSENT,   // ID is not that of an array
    TILELOOM_SYSTOLIC_BUSY,     // a job or a soft reset is under way
    TILELOOM_SYSTOLIC_TIMEOUT,  // not over after so many cycles; it goes on
    TILELOOM_SYSTOLIC_JOB,      // a job without vectors or tiles
    TILELOOM_SYSTOLIC_FAULT,    // something was wrong in the job: tileloom_systolic_fault
    TILELOOM_SYSTOLIC_WEIGHT,   // an integer that the weights' format has not, such as -128 of INT8
    TILELOOM_SYSTOLIC_MEMORY,   // less memory than the product takes
    TILELOOM_SYSTOLIC_MOVE      // what moves data cannot, or has failed
};

// What the array was built with: the fields of docs/registers.md.
struct tileloom_systolic_built {
    uint32_t version;  // of the generator: major << 16 | minor << 8 | patch
    uint32_t rows, columns;
    uint32_t multiply_stages, add_stages, step_interval, broadcast, latency;
    uint32_t activation_bits, activation_exponent, weight_bits, weight_exponent, sum_bits, sum_exponent;
    bool nearest_even, double_buffer, carry_save, gate_zeros;
};

struct tileloom_systolic {
    uintptr_t base;  // of its registers
    struct tileloom_systolic_built built;
    bool interrupts;
    volatile uint32_t events;  // bits of INTERRUPT_STATUS that were seen since the start
};

struct tileloom_systolic_job {
    uint32_t vectors;   // of each tile of weights, from 1
    uint16_t tiles;     // of weights, from 1
    bool psum_in;       // sums start from the vectors of that stream; else from +0
    bool keep_weights;  // the last tile's weights are the next job's first too
};

enum tileloom_systolic_stream {
    TILELOOM_SYSTOLIC_ACTIVATIONS,
    TILELOOM_SYSTOLIC_WEIGHTS,
    TILELOOM_SYSTOLIC_RESULTS,
    TILELOOM_SYSTOLIC_PSUM_IN
};

// What was wrong in the last job, and where it was first: in a stream, the tile's number in the job and the vector's in
// the tile, from 0; of weights the row's.
struct tileloom_systolic_fault {
    bool last_early, last_missing;  // TLAST of activations was not where a tile ends
    bool not_finite;                // an activation or a weight was infinity or NaN
    bool overflow;                  // a result was infinity
    enum tileloom_systolic_stream stream;
    uint32_t tile, vector;
};

// Modulo 2^32: take differences.
struct tileloom_systolic_counters {
    uint32_t cycles, busy_cycles, stalls_in, stalls_out, results;
};

// What a result means, in English.
const char *tileloom_systolic_text(enum tileloom_systolic_result result);

// Find an array at an address and read what was built. Its interrupts are off then. A job that is under way goes on:
// the result is TILELOOM_SYSTOLIC_BUSY, and all but tileloom_systolic_start can be called.
enum tileloom_systolic_result tileloom_systolic_open(struct tileloom_systolic *array, uintptr_t base);

// Choose how tileloom_systolic_wait finds the end of a job: by reading a register, or with interrupts, for which the
// caller has tileloom_systolic_interrupt called. Not while a job is under way.
void tileloom_systolic_use_interrupts(struct tileloom_systolic *array, bool use);

// The interrupt's handler. False: it was not this array's.
bool tileloom_systolic_interrupt(struct tileloom_systolic *array);

// Start a job; DMA controllers may be started before or after.
enum tileloom_systolic_result tileloom_systolic_start(struct tileloom_systolic *array,
                                                      const struct tileloom_systolic_job *job);

// Wait for the job's end, at most so many cycles of the array's clock.
enum tileloom_systolic_result tileloom_systolic_wait(struct tileloom_systolic *array, uint32_t cycles);

struct tileloom_systolic_fault tileloom_systolic_fault(const struct tileloom_systolic *array);

// Give up what is under way. It ends once a result that is on offer was taken: stop who takes them afterwards.
enum tileloom_systolic_result tileloom_systolic_reset(struct tileloom_systolic *array, uint32_t cycles);

struct tileloom_systolic_counters tileloom_systolic_count(const struct tileloom_systolic *array);

// The array's clock cycles, modulo 2^32.
uint32_t tileloom_systolic_cycles(const struct tileloom_systolic *array);

#ifdef __cplusplus
}
#endif

#endif
