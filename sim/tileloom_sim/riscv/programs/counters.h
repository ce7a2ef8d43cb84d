// A core's counters and other control and status registers: the lower 32 bits of one, by its name.
#pragma once
#include <stdint.h>

#define COUNTER(name)                                                \
    ({                                                               \
        uint32_t value_;                                             \
        __asm__ volatile("csrr %0, " name : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
