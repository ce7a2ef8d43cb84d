// Activations that become weights as they are computed: inner loops for CV32E40P with its FPU. No instruction waits for
// another, and each is a cycle. See array.h.
#include "tileloom_array.h"

#if defined(XPULP) && defined(__riscv_flen)

// Repeat the `body` instructions that follow as often as the register `count` says, which must not be 0.
.macro hardware_loop count, body
    .insn   i 0x2b, 4, x14, \count, \body + 1
.endm

    .text
    .option norvc

// uint32_t tileloom_largest_halves(const uint32_t *words, uint32_t eighths)
//
// Of eight words for each of `eighths`, which is not 0: the largest upper half without its sign, doubled; in each half of
// what is returned that of every second word. 2.5 instructions a word.
    .globl  tileloom_largest_halves
tileloom_largest_halves:
    mv      a2, a0
    li      a0, 0
    hardware_loop a1, 20
    cv.lw   t0, (a2), 4
    cv.lw   t1, (a2), 4
    cv.lw   t2, (a2), 4
    cv.lw   t3, (a2), 4
    cv.lw   t4, (a2), 4
    cv.lw   t5, (a2), 4
    cv.lw   t6, (a2), 4
    cv.lw   a3, (a2), 4
    cv.pack.h t0, t0, t1
    cv.pack.h t2, t2, t3
    cv.pack.h t4, t4, t5
    cv.pack.h t6, t6, a3
    cv.sll.sci.h t0, t0, 1
    cv.sll.sci.h t2, t2, 1
    cv.sll.sci.h t4, t4, 1
    cv.sll.sci.h t6, t6, 1
    cv.maxu.h a0, a0, t0
    cv.maxu.h t2, t2, t4
    cv.maxu.h a0, a0, t6
    cv.maxu.h a0, a0, t2
    ret

// A word of weights from the four words `apart` bytes apart from `at` on: times the scale (f10) plus 1.5 * 2^23 (f11),
// rounded once to nearest, ties to even, the low byte is the integer in two's complement. a3 is 0x80808080.
.macro weights at, apart, further
    flw     f0, \at(a0)
    flw     f1, \at+\apart(a0)
    flw     f2, \at+2*\apart(a0)
    flw     f3, \at+3*\apart(a0)
    fmadd.s f0, f0, f10, f11, rne
    fmadd.s f1, f1, f10, f11, rne
    fmadd.s f2, f2, f10, f11, rne
    fmadd.s f3, f3, f10, f11, rne
    fmv.x.w t0, f0
    fmv.x.w t1, f1
    fmv.x.w t2, f2
    fmv.x.w t3, f3
    cv.packhi.b t4, t0, t1
    cv.packlo.b t4, t2, t3
    cv.abs.b t0, t4
    and     t4, t4, a3
    or      t0, t0, t4
    cv.sw   t0, (a1), \further
.endm

.macro constants scale
    fmv.w.x f10, \scale
    li      t0, 0x4b400000
    fmv.w.x f11, t0
    li      a3, 0x80808080
.endm

// void tileloom_weights_as_they_are(const uint32_t *from, uint32_t *to, uint32_t quarters, uint32_t scale)
//
// Sixteen words, one after the other, become four for each of `quarters`, which is not 0. 4.56 instructions a word.
    .globl  tileloom_weights_as_they_are
tileloom_weights_as_they_are:
    constants a3
    hardware_loop a2, 4 * 18 + 1
    weights 0, 4, 4
    weights 16, 4, 4
    weights 32, 4, 4
    weights 48, 4, 4
    addi    a0, a0, 64
    ret

// void tileloom_weights_turned(const uint32_t *from, uint32_t *to, uint32_t scale)
//
// A tile of weights, turned: of four vectors at a time the word of each row. 4.56 instructions a word, and 6 besides for
// four vectors.
    .globl  tileloom_weights_turned
tileloom_weights_turned:
    constants a2
    li      a4, TILELOOM_ROWS / 4
    li      a5, TILELOOM_COLUMNS / 4
    li      a6, 16 * TILELOOM_STEPS - 4 * TILELOOM_ROWS
    li      a7, 4 - TILELOOM_ROWS * TILELOOM_COLUMNS
0:  hardware_loop a4, 4 * 18 + 1
    weights 0, 4 * TILELOOM_STEPS, TILELOOM_COLUMNS
    weights 4, 4 * TILELOOM_STEPS, TILELOOM_COLUMNS
    weights 8, 4 * TILELOOM_STEPS, TILELOOM_COLUMNS
    weights 12, 4 * TILELOOM_STEPS, TILELOOM_COLUMNS
    addi    a0, a0, 16
    add     a0, a0, a6
    add     a1, a1, a7
    addi    a5, a5, -1
    bnez    a5, 0b
    ret

#endif
