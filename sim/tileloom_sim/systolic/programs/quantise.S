// Activations that become weights as they are computed: inner loops for CV32E40P with its FPU. No instruction waits for
// another, and each is a cycle. See array.h.
#include "corev.h"
#include "tileloom_array.h"

#if defined(XPULP) && defined(__riscv_flen)

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
    cv.pack.h t0, t0, t1
    cv.lw   t3, (a2), 4
    cv.sll.sci.h t0, t0, 1
    cv.maxu.h a0, a0, t0
    cv.lw   t4, (a2), 4
    cv.pack.h t2, t2, t3
    cv.lw   t5, (a2), 4
    cv.sll.sci.h t2, t2, 1
    cv.maxu.h a0, a0, t2
    cv.lw   t6, (a2), 4
    cv.pack.h t4, t4, t5
    cv.lw   a3, (a2), 4
    cv.sll.sci.h t4, t4, 1
    cv.maxu.h a0, a0, t4
    cv.pack.h t6, t6, a3
    cv.sll.sci.h t6, t6, 1
    cv.maxu.h a0, a0, t6
    ret

// A word of weights from four words in \a to \d: times the scale (f28) plus 1.5 * 2^23 (f29), rounded once to nearest,
// ties to even, the low byte is the integer in two's complement. a3 is 0x80808080. What `\load` loads meanwhile, at
// \at, are the next four words, one for every few instructions: so an array that fetches by itself is held up least.
.macro weights a, b, c, d, further, load=no_load, at=0, apart=0
    fmadd.s \a, \a, f28, f29, rne
    fmadd.s \b, \b, f28, f29, rne
    \load   0, \a, \at
    fmadd.s \c, \c, f28, f29, rne
    fmadd.s \d, \d, f28, f29, rne
    fmv.x.w t0, \a
    \load   1, \a, \at+\apart
    fmv.x.w t1, \b
    fmv.x.w t2, \c
    fmv.x.w t3, \d
    \load   2, \a, \at+2*\apart
    cv.packhi.b t4, t0, t1
    cv.packlo.b t4, t2, t3
    cv.abs.b t0, t4
    \load   3, \a, \at+3*\apart
    and     t4, t4, a3
    or      t0, t0, t4
    cv.sw   t0, (a1), \further
.endm

.macro no_load number, beside, at
.endm

// The next words go to f0 to f3 while f10 to f13 are converted, and the other way round.
.macro load_other number, beside, at
    .ifc    \beside, f0
    flw     f1\number, \at(a0)
    .else
    flw     f\number, \at(a0)
    .endif
.endm

// Four words of weights, of each four words `apart` bytes apart, and one from the next `step` bytes.
.macro four_words apart, step, further
    flw     f0, 0(a0)
    flw     f1, \apart(a0)
    flw     f2, 2*\apart(a0)
    flw     f3, 3*\apart(a0)
    weights f0, f1, f2, f3, \further, load_other, \step, \apart
    weights f10, f11, f12, f13, \further, load_other, 2*\step, \apart
    weights f0, f1, f2, f3, \further, load_other, 3*\step, \apart
    weights f10, f11, f12, f13, \further
.endm

.macro constants scale
    fmv.w.x f28, \scale
    li      t0, 0x4b400000
    fmv.w.x f29, t0
    li      a3, 0x80808080
.endm

// void tileloom_weights_as_they_are(const uint32_t *from, uint32_t *to, uint32_t quarters, uint32_t scale)
//
// Sixteen words, one after the other, become four for each of `quarters`, which is not 0. 4.56 instructions a word.
    .globl  tileloom_weights_as_they_are
tileloom_weights_as_they_are:
    constants a3
    hardware_loop a2, 4 * 18 + 1
    four_words 4, 16, 4
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
    four_words 4*TILELOOM_STEPS, 4, TILELOOM_COLUMNS
    addi    a0, a0, 16
    add     a0, a0, a6
    add     a1, a1, a7
    addi    a5, a5, -1
    bnez    a5, 0b
    ret

#endif
