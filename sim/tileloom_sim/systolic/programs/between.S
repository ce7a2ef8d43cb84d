// What an encoder has between its products, for CV32E40P with its FPU: inner loops, each instruction a cycle. See
// between.h. Four words at a time, so that no instruction waits for a load.
#include "corev.h"
#include "tileloom_array.h"

// An instruction for each of four words: of register n, n + 1, n + 2, n + 3 of what begins with \to.
.macro load_four pointer, at
    flw     f0, \at(\pointer)
    flw     f1, \at+4(\pointer)
    flw     f2, \at+8(\pointer)
    flw     f3, \at+12(\pointer)
.endm

.macro store_four pointer, at, a, b, c, d
    fsw     \a, \at(\pointer)
    fsw     \b, \at+4(\pointer)
    fsw     \c, \at+8(\pointer)
    fsw     \d, \at+12(\pointer)
.endm

.macro four_in_f0 operation, operands:vararg
    \operation f0, f0, \operands
    \operation f1, f1, \operands
    \operation f2, f2, \operands
    \operation f3, f3, \operands
.endm

// f8 to f11 times f0 to f3 plus a coefficient.
.macro horner coefficient
    fmadd.s f8, f8, f0, \coefficient
    fmadd.s f9, f9, f1, \coefficient
    fmadd.s f10, f10, f2, \coefficient
    fmadd.s f11, f11, f3, \coefficient
.endm

.macro constant register, bits
    li      t0, \bits
    fmv.w.x \register, t0
.endm

    .text
    .option norvc

// void tileloom_softmax_row(uint32_t *row, uint32_t tiles, uint32_t tile_bytes, uint32_t scale, uint32_t power)
//
// 2 instructions a word for the largest, 16 for 2^x and the sum, 3 for the quotient.
    .globl  tileloom_softmax_row
tileloom_softmax_row:
    constant f31, 0xff800000                // minus infinity: the largest so far
    mv      a5, a0
    hardware_loop a1, 2 * TILELOOM_COLUMNS + 1
    .set    at, 0
    .rept   TILELOOM_COLUMNS / 4
    load_four a5, at
    fmax.s  f31, f31, f0
    fmax.s  f31, f31, f1
    fmax.s  f31, f31, f2
    fmax.s  f31, f31, f3
    .set    at, at + 16
    .endr
    add     a5, a5, a2
    fmv.w.x f30, a3
    fmul.s  f29, f31, f30
    constant f28, 0xc2fc0000                // -126: below it 2^x is no normal number
    constant f27, 0x4b40007f                // 1.5 * 2^23 + 127: the low bits of a sum are the exponent field of 2^x
    constant f26, 0x3c1ccbeb                // of 2^x, -0.5 to 0.5, within 2.6e-6
    constant f25, 0x3d650a20
    constant f24, 0x3e76036d
    constant f23, 0x3f31706e
    constant f22, 0x3f7ffff4
    fmv.w.x f21, x0                         // the sum
    mv      a5, a0
    hardware_loop a1, 16 * TILELOOM_COLUMNS + 1
    .set    at, 0
    .rept   TILELOOM_COLUMNS / 4
    load_four a5, at
    four_in_f0 fmsub.s, f30, f29
    four_in_f0 fmax.s, f28
    fadd.s  f4, f0, f27
    fadd.s  f5, f1, f27
    fadd.s  f6, f2, f27
    fadd.s  f7, f3, f27
    fsub.s  f8, f4, f27
    fsub.s  f9, f5, f27
    fsub.s  f10, f6, f27
    fsub.s  f11, f7, f27
    fsub.s  f0, f0, f8
    fsub.s  f1, f1, f9
    fsub.s  f2, f2, f10
    fsub.s  f3, f3, f11
    fmv.x.w t0, f4
    fmv.x.w t1, f5
    fmv.x.w t2, f6
    fmv.x.w t3, f7
    slli    t0, t0, 23
    slli    t1, t1, 23
    slli    t2, t2, 23
    slli    t3, t3, 23
    fmv.w.x f4, t0
    fmv.w.x f5, t1
    fmv.w.x f6, t2
    fmv.w.x f7, t3
    fmadd.s f8, f26, f0, f25
    fmadd.s f9, f26, f1, f25
    fmadd.s f10, f26, f2, f25
    fmadd.s f11, f26, f3, f25
    horner  f24
    horner  f23
    horner  f22
    fmul.s  f8, f8, f4
    fmul.s  f9, f9, f5
    fmul.s  f10, f10, f6
    fmul.s  f11, f11, f7
    fadd.s  f21, f21, f8
    fadd.s  f21, f21, f9
    fadd.s  f21, f21, f10
    fadd.s  f21, f21, f11
    store_four a5, at, f8, f9, f10, f11
    .set    at, at + 16
    .endr
    add     a5, a5, a2
    fmv.w.x f20, a4
    fdiv.s  f20, f20, f21
    mv      a5, a0
    hardware_loop a1, 3 * TILELOOM_COLUMNS + 1
    .set    at, 0
    .rept   TILELOOM_COLUMNS / 4
    load_four a5, at
    four_in_f0 fmul.s, f20
    store_four a5, at, f0, f1, f2, f3
    .set    at, at + 16
    .endr
    add     a5, a5, a2
    ret

// void tileloom_normalise_row(const uint32_t *x, uint32_t *y, uint32_t tiles, uint32_t tile_bytes, uint32_t share,
//                             uint32_t epsilon)
//
// 3 instructions a word for the sums, 3 for the results.
    .globl  tileloom_normalise_row
tileloom_normalise_row:
    fmv.w.x f31, x0                         // the sum
    fmv.w.x f30, x0                         // of squares
    mv      t1, a0
    hardware_loop a2, 3 * TILELOOM_COLUMNS + 1
    .set    at, 0
    .rept   TILELOOM_COLUMNS / 4
    load_four t1, at
    fadd.s  f31, f31, f0
    fmadd.s f30, f0, f0, f30
    fadd.s  f31, f31, f1
    fmadd.s f30, f1, f1, f30
    fadd.s  f31, f31, f2
    fmadd.s f30, f2, f2, f30
    fadd.s  f31, f31, f3
    fmadd.s f30, f3, f3, f30
    .set    at, at + 16
    .endr
    add     t1, t1, a3
    fmv.w.x f29, a4
    fmv.w.x f28, a5
    fmv.w.x f27, x0
    fmul.s  f31, f31, f29                   // the mean
    fmul.s  f26, f31, f31
    fmsub.s f30, f30, f29, f26              // the variance, which rounding could take below 0
    fmax.s  f30, f30, f27
    fadd.s  f30, f30, f28
    constant f25, 0x3f800000
    fsqrt.s f30, f30
    fdiv.s  f30, f25, f30
    fmul.s  f31, f31, f30
    fneg.s  f31, f31
    hardware_loop a2, 3 * TILELOOM_COLUMNS + 2
    .set    at, 0
    .rept   TILELOOM_COLUMNS / 4
    load_four a0, at
    four_in_f0 fmadd.s, f30, f31
    store_four a1, at, f0, f1, f2, f3
    .set    at, at + 16
    .endr
    add     a0, a0, a3
    add     a1, a1, a3
    ret

// void tileloom_relu(uint32_t *words, uint32_t eighths): 3 instructions a word. A negative float is a negative integer.
    .globl  tileloom_relu
tileloom_relu:
    mv      a2, a0
    hardware_loop a1, 24
    cv.lw   t0, (a0), 4
    cv.lw   t1, (a0), 4
    cv.lw   t2, (a0), 4
    cv.lw   t3, (a0), 4
    cv.lw   t4, (a0), 4
    cv.lw   t5, (a0), 4
    cv.lw   t6, (a0), 4
    cv.lw   a3, (a0), 4
    cv.max  t0, t0, x0
    cv.max  t1, t1, x0
    cv.max  t2, t2, x0
    cv.max  t3, t3, x0
    cv.max  t4, t4, x0
    cv.max  t5, t5, x0
    cv.max  t6, t6, x0
    cv.max  a3, a3, x0
    cv.sw   t0, (a2), 4
    cv.sw   t1, (a2), 4
    cv.sw   t2, (a2), 4
    cv.sw   t3, (a2), 4
    cv.sw   t4, (a2), 4
    cv.sw   t5, (a2), 4
    cv.sw   t6, (a2), 4
    cv.sw   a3, (a2), 4
    ret

// void tileloom_relu_slowly(uint32_t *words, uint32_t eighths): the same with two of eight cycles at the memory, and not
// two of three, which leaves enough to the array.
    .globl  tileloom_relu_slowly
tileloom_relu_slowly:
    hardware_loop a1, 65
    .set    at, 0
    .rept   8
    lw      t0, at(a0)
    nop
    nop
    cv.max  t0, t0, x0
    sw      t0, at(a0)
    nop
    nop
    nop
    .set    at, at + 4
    .endr
    addi    a0, a0, 32
    ret

// void tileloom_add(uint32_t *y, const uint32_t *x, uint32_t eighths): 4.25 instructions a word.
    .globl  tileloom_add
tileloom_add:
    hardware_loop a2, 34
    .set    at, 0
    .rept   2
    load_four a0, at
    flw     f4, at(a1)
    flw     f5, at+4(a1)
    flw     f6, at+8(a1)
    flw     f7, at+12(a1)
    fadd.s  f0, f0, f4
    fadd.s  f1, f1, f5
    fadd.s  f2, f2, f6
    fadd.s  f3, f3, f7
    store_four a0, at, f0, f1, f2, f3
    .set    at, at + 16
    .endr
    addi    a0, a0, 32
    addi    a1, a1, 32
    ret
