// The driver of a Tileloom block-sparse tile engine with registers: C99, no allocation, no library but the memcpy and
// memset that compilers call by themselves. It serves every engine with 32 bits of address or less; with more, if it is
// compiled with the NAME.h of such a one.
//
// One thread at a time calls it for an engine; tileloom_engine_interrupt may interrupt that thread, if both run on one
// processor. Where memory is cached and the engine does not see the caches, the caller cleans them of the program and
// its data before tileloom_engine_start, and invalidates the results before reading them.
#ifndef TILELOOM_ENGINE_DRIVER_H
#define TILELOOM_ENGINE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILELOOM_ENGINE_ALIGNMENT 64u  // of a program, in bytes
#define TILELOOM_ENGINE_FOREVER UINT32_MAX

enum tileloom_engine_result {
    TILELOOM_ENGINE_OK,
    TILELOOM_ENGINE_ABSENT,       // ID is not that of an engine
    TILELOOM_ENGINE_UNSUPPORTED,  // its addresses have more bits than NAME.h knows of
    TILELOOM_ENGINE_BUSY,         // a program or a soft reset is under way
    TILELOOM_ENGINE_TIMEOUT,      // not over after so many cycles; it goes on
    TILELOOM_ENGINE_READ_FAULT,   // memory answered a read with an error: tileloom_engine_fault
    TILELOOM_ENGINE_WRITE_FAULT,  // memory answered a write with an error
    TILELOOM_ENGINE_INDEX_FAULT,  // an index row is out of range or order: tileloom_engine_reset before the next
    TILELOOM_ENGINE_ADDRESS,      // an address is not a multiple of 64, or has too many bits
    TILELOOM_ENGINE_LAYER,        // there is no such layer: a size, kernel, stride or pad
    TILELOOM_ENGINE_CAPACITY,     // not even one pixel of the layer fits the engine's buffers
    TILELOOM_ENGINE_MEMORY        // the layer needs more memory than was given
};

// What the engine was built with: the fields of docs/registers.md.
struct tileloom_engine_built {
    uint32_t version;  // of the generator: major << 16 | minor << 8 | patch
    uint32_t m, k, n;
    uint32_t bus_bits, burst_beats, address_bits;
    uint32_t a_words, acc_tiles, weight_beats;
    uint32_t activation_bits, activation_exponent, weight_bits, weight_exponent;
    uint32_t sum_bits, sum_exponent, result_bits, result_exponent;
    bool systolic, requantise, half_even, result_zero_point, activation_mask;
};

struct tileloom_engine {
    uintptr_t base;  // of its registers
    struct tileloom_engine_built built;
    bool interrupts;
    volatile uint32_t events;  // bits of INTERRUPT_STATUS that were seen since the start
};

// How the last program ended.
struct tileloom_engine_fault {
    bool error, write;         // memory answered with an error; to a write
    uint32_t response;         // 2 SLVERR, 3 DECERR
    uint64_t address;          // where the burst began
    bool row_range, row_order; // of an index row; both stay until a reset
};

// Modulo 2^32: take differences.
struct tileloom_engine_counters {
    uint32_t cycles, busy_cycles, stalls_in, stalls_out, blocks_skipped;
};

// What a result means, in English.
const char *tileloom_engine_text(enum tileloom_engine_result result);

// Find an engine at an address and read what was built. Its interrupts are off then. A program that is under way goes
// on: the result is TILELOOM_ENGINE_BUSY, and all but tileloom_engine_start can be called.
enum tileloom_engine_result tileloom_engine_open(struct tileloom_engine *engine, uintptr_t base);

// Choose how tileloom_engine_wait finds the end of a program: by reading a register, or with interrupts, for which the
// caller has tileloom_engine_interrupt called. Not while a program is under way.
void tileloom_engine_use_interrupts(struct tileloom_engine *engine, bool use);

// The interrupt's handler. False: it was not this engine's.
bool tileloom_engine_interrupt(struct tileloom_engine *engine);

// Start the program whose first descriptor is at an address of the engine's.
enum tileloom_engine_result tileloom_engine_start(struct tileloom_engine *engine, uint64_t program);

// Wait for the program's end, at most so many cycles of the engine's clock; results are in memory then.
enum tileloom_engine_result tileloom_engine_wait(struct tileloom_engine *engine, uint32_t cycles);

// What the last program ended with, as a TILELOOM_ENGINE_..._FAULT says that there is something to tell.
struct tileloom_engine_fault tileloom_engine_fault(const struct tileloom_engine *engine);

// Give up what is under way; what was written stays. Waits as tileloom_engine_wait for bursts to end.
enum tileloom_engine_result tileloom_engine_reset(struct tileloom_engine *engine, uint32_t cycles);

struct tileloom_engine_counters tileloom_engine_count(const struct tileloom_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
