// A core's counters and other control and status registers: the lower 32 bits of one, by its name.
#pragma once
#include <stdint.h>

#define COUNTER(name)                                                \
    ({                                                               \
        uint32_t value_;                                             \
        __asm__ volatile("csrr %0, " name : "=r"(value_)::"memory"); \
        value_;                                                      \
    })

// Cycles and instructions so far. Without machine mode there are the names that user mode has (Zicntr).
#ifdef UNPRIVILEGED
#define CYCLES COUNTER("cycle")
#define INSTRUCTIONS COUNTER("instret")
#else
#define CYCLES COUNTER("mcycle")
#define INSTRUCTIONS COUNTER("minstret")
#endif
