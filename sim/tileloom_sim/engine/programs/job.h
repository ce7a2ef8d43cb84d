// What the host asks of layers.c: a layer, and what happens to it. The host lays these out as 32-bit words in this
// order (software.py), one after the other from the first free address after the program, behind their number.
#pragma once
#include <stdint.h>

enum happening {
    RUN,
    GIVE_UP,      // started again while it is busy, waited for too short, and reset; then it is run
    LET_END,      // waited for too short, and let alone until it has ended; then it is run
    BREAK_INDEX,  // its first index row is out of range, once; it is run until the reset, and then again
};

struct job {
    uint32_t height, width, channels, outputs, kernel_height, kernel_width, stride;
    uint32_t pad_top, pad_bottom, pad_left, pad_right, relu;
    const void *activations, *weights;
    const uint64_t *columns;
    void *results;
    uint8_t *memory;      // of the engine, `bytes` of it
    uint32_t bytes;
    uint32_t interrupts;  // 1: wait for them, 0: poll
    uint32_t happening;

    // What came of it: results of the driver's functions, of the last start and wait those in the end.
    uint32_t size;            // what the layout takes, as it says without memory
    uint32_t laid_out, refused, timeout, reset, broken, still_broken, started, waited;
    uint32_t fault;           // bits of FAULT
    uint32_t fault_address;
    uint32_t blocks_skipped;  // as the layout says
    uint32_t skipped, busy;   // as the counters say, of the last run
    uint32_t start_cycles;    // of the core, from the call of start until a read behind its last write is answered
    uint32_t run_cycles;      // of the system, from there until wait returned
    uint32_t interrupted;     // interrupts so far
};
