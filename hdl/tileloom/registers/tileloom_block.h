// What the drivers of all families do alike, by the registers that every map has. A driver's .c includes it behind the
// header of the design, and says before what the map is called there:
//
//     #define BLOCK_REGISTERS tileloom_engine_t
//     #define BLOCK_MACRO(name) TILELOOM_ENGINE__##name
//
// `base` is the address of the registers, `events` what was seen of INTERRUPT_STATUS since the start.
#ifndef TILELOOM_BLOCK_H
#define TILELOOM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "tileloom_io.h"

#define READ(base, name) TILELOOM_READ((base) + offsetof(BLOCK_REGISTERS, name))
#define WRITE(base, name, word) TILELOOM_WRITE((base) + offsetof(BLOCK_REGISTERS, name), word)
#define FIELD(word, name) (((word) & BLOCK_MACRO(name##_bm)) >> BLOCK_MACRO(name##_bp))
#define BIT(name) ((uint32_t)BLOCK_MACRO(name##_bm))

static bool block_is_there(uintptr_t base) {
    const uint32_t id = READ(base, ID);
    return FIELD(id, ID__MAGIC) == BLOCK_MACRO(ID__MAGIC_reset) &&
           FIELD(id, ID__FAMILY) == BLOCK_MACRO(ID__FAMILY_reset) &&
           FIELD(id, ID__REVISION) >= BLOCK_MACRO(ID__REVISION_reset);
}

static void block_use_interrupts(uintptr_t base, bool use) {
    WRITE(base, INTERRUPT_ENABLE, use ? BIT(INTERRUPT_ENABLE__DONE) : 0);
}

// Forget what has happened: first in the block, so that its interrupt can come no more.
static void block_forget(uintptr_t base, volatile uint32_t *events) {
    WRITE(base, INTERRUPT_STATUS, UINT32_MAX);
    *events = 0;
}

static void block_start(uintptr_t base) {
    TILELOOM_BARRIER_WRITE();
    WRITE(base, CONTROL, BIT(CONTROL__START));
}

// Take over what has happened. False: nothing.
static bool block_interrupt(uintptr_t base, volatile uint32_t *events) {
    const uint32_t found = READ(base, INTERRUPT_STATUS);
    if (found == 0) return false;
    WRITE(base, INTERRUPT_STATUS, found);
    *events |= found;
    return true;
}

// Wait for the end, which an interrupt's handler sees, or this. False: not after so many cycles.
static bool block_wait(uintptr_t base, bool interrupts, volatile uint32_t *events, uint32_t cycles) {
    const uint32_t begin = READ(base, CYCLES);
    for (;;) {
        if (!interrupts) (void)block_interrupt(base, events);
        if (*events & BIT(INTERRUPT_STATUS__DONE)) break;
        if (READ(base, CYCLES) - begin > cycles) return false;
        if (interrupts) TILELOOM_IDLE(events);
    }
    TILELOOM_BARRIER_READ();
    return true;
}

// Give up what is under way. False: it has not ended after so many cycles.
static bool block_reset(uintptr_t base, volatile uint32_t *events, uint32_t cycles) {
    const uint32_t begin = READ(base, CYCLES);
    WRITE(base, CONTROL, BIT(CONTROL__SOFT_RESET));
    while (READ(base, STATUS) & BIT(STATUS__RESETTING)) {
        if (READ(base, CYCLES) - begin > cycles) return false;
    }
    // A job may have ended just before.
    block_forget(base, events);
    return true;
}

#endif
