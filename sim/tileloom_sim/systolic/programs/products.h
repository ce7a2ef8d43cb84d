// What the host asks of products.c: a product, and what happens to it. The host lays these out as 32-bit words in this
// order (system.py), one after the other from the first free address after the program, behind their number.
#pragma once
#include <stdint.h>

enum happening {
    RUN,
    GIVE_UP,      // waited for too short, started again while it is busy, and reset; then it is run
    INFINITE,     // run with other activations, of which one is infinity; then it is run
    UNREACHABLE,  // where data is laid out is out of reach for DMA channels; then it is run
};

struct job {
    uint32_t m, k, n;
    const void *activations, *weights, *infinite;
    void *results;
    uint8_t *memory;      // of the product, `bytes` of it
    uint32_t bytes;
    uint32_t interrupts;  // 1: wait for them, 0: poll
    uint32_t happening;

    // What came of it: results of the driver's functions, of the last run that in the end.
    uint32_t size, no_room;  // what the layout takes, as it says without memory, and its result then
    uint32_t laid_out, broken, refused, reset, moves_reset, ran;
    uint32_t fault;          // bits of FAULT, and where it was first
    uint32_t fault_stream, fault_tile, fault_vector;
    uint32_t tiles_skipped;  // as the layout says
    uint32_t results_taken, busy;  // as the counters say, of the last run
    uint32_t start_cycles;   // of the core, from the call of start until a read behind its last write is answered
    uint32_t run_cycles;     // of the system, of the last run from its call until it returned
    uint32_t interrupted;    // interrupts so far
};
