// CORE-V instructions of CV32E40P that Clang's assembler has no names for, or C no expressions.
//
// A hardware loop (CV32E40P user manual, "CORE-V Hardware Loop feature") is set up by the instruction in front
// of its body: HARDWARE_LOOP(0, "%[n]", 12) repeats the 12 instructions that follow n times, n > 0. Loop 1 may
// hold loop 0, and must end at least two instructions after it. In assembly `hardware_loop` is loop 0.
#pragma once
#ifdef __ASSEMBLER__

// Repeat the `body` instructions that follow as often as the register `count` says, which must not be 0.
.macro hardware_loop count, body
    .insn   i 0x2b, 4, x14, \count, \body + 1
.endm

#else
#include <stdint.h>

#define HARDWARE_LOOP(loop, count, instructions) \
    ".insn i 0x2b, 4, " HARDWARE_LOOP_##loop ", " count ", " #instructions " + 1\n"
#define HARDWARE_LOOP_0 "x14"
#define HARDWARE_LOOP_1 "x15"

// Copy whole words, at least one, between places aligned to words.
static inline void copy_words(void *to, const void *from, uint32_t words) {
    uint32_t a, b;
    if (words & 1) {
        __asm__ volatile("cv.lw %[a], (%[from]), 4\n cv.sw %[a], (%[to]), 4\n"
                         : [a] "=&r"(a), [from] "+r"(from), [to] "+r"(to)::"memory");
    }
    if (words >>= 1) {
        __asm__ volatile(HARDWARE_LOOP(0, "%[n]", 4)
                         "cv.lw %[a], (%[from]), 4\n cv.lw %[b], (%[from]), 4\n"
                         "cv.sw %[a], (%[to]), 4\n cv.sw %[b], (%[to]), 4\n"
                         : [a] "=&r"(a), [b] "=&r"(b), [from] "+r"(from), [to] "+r"(to)
                         : [n] "r"(words)
                         : "memory");
    }
}

#endif
