// Inner loops of the FP32 product for CV32E40P with its FPU (FPU_ADDMUL_LAT = 0): no instruction waits for another, so
// that each is a cycle. Floats are passed in integer registers, and no FP register is anyone's to keep.
#include "corev.h"

// A column of the block: its four sums gain activations (f24 to f27) times weight `w`.
.macro column w, sum0, sum1, sum2, sum3
    fmadd.s \sum0, f24, \w, \sum0
    fmadd.s \sum1, f25, \w, \sum1
    fmadd.s \sum2, f26, \w, \sum2
    fmadd.s \sum3, f27, \w, \sum3
.endm

// One step of k: 4 activations, 6 weights and 24 fused multiply-adds, 34 instructions for 24 MACs. Two registers
// take the weights in turn, so that a load is never just before its use.
.macro block_step
    flw     f24, x_at(a0)
    flw     f28, w_at(a1)
    flw     f25, x_at+4(a0)
    flw     f26, x_at+8(a0)
    flw     f27, x_at+12(a0)
    flw     f29, w_at+4(a1)
    column  f28, f0, f1, f2, f3
    flw     f28, w_at+8(a1)
    column  f29, f4, f5, f6, f7
    flw     f29, w_at+12(a1)
    column  f28, f8, f9, f10, f11
    flw     f28, w_at+16(a1)
    column  f29, f12, f13, f14, f15
    flw     f29, w_at+20(a1)
    column  f28, f16, f17, f18, f19
    column  f29, f20, f21, f22, f23
    .set    x_at, x_at + 16
    .set    w_at, w_at + 24
.endm

.macro zeros first, second, others:vararg
    fmv.w.x \first, x0
    .ifnb   \second
    zeros   \second, \others
    .endif
.endm

.macro store_row row:vararg
    store_next 0, \row
    add     a3, a3, a4
.endm

.macro store_next at, first, others:vararg
    fsw     \first, \at(a3)
    .ifnb   \others
    store_next \at+4, \others
    .endif
.endm

    .text

// void block(const float *x, const float *w, uint32_t k, float *y, uint32_t y_stride)
//
// 4 x 6 results: x is a panel of 4 rows, w one of 6 columns, both k by k. Eight steps to a turn of the loop, 274
// instructions for 192 MACs: 1.427 cycles a MAC.
    .globl  block
    .type   block, @function
block:
    zeros   f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11
    zeros   f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23
    srli    t0, a2, 3
    beqz    t0, 1f
    hardware_loop t0, 8 * 34 + 2
    .set    x_at, 0
    .set    w_at, 0
    .rept   8
    block_step
    .endr
    addi    a0, a0, 8 * 16
    addi    a1, a1, 8 * 24
1:  andi    t0, a2, 7
    beqz    t0, 2f
    hardware_loop t0, 34 + 2
    .set    x_at, 0
    .set    w_at, 0
    block_step
    addi    a0, a0, 16
    addi    a1, a1, 24
2:  store_row f0, f4, f8, f12, f16, f20
    store_row f1, f5, f9, f13, f17, f21
    store_row f2, f6, f10, f14, f18, f22
    store_row f3, f7, f11, f15, f19, f23
    ret

// void widen(const int8_t *from, float *to, uint32_t k)
//
// A panel of 6 columns, INT8 to FP32: 20 instructions for 6 weights.
    .globl  widen
    .type   widen, @function
widen:
    hardware_loop a2, 20
    lb      t0, 0(a0)
    lb      t1, 1(a0)
    lb      t2, 2(a0)
    lb      t3, 3(a0)
    lb      t4, 4(a0)
    lb      t5, 5(a0)
    addi    a0, a0, 6
    fcvt.s.w f0, t0
    fcvt.s.w f1, t1
    fcvt.s.w f2, t2
    fcvt.s.w f3, t3
    fcvt.s.w f4, t4
    fcvt.s.w f5, t5
    fsw     f0, 0(a1)
    fsw     f1, 4(a1)
    fsw     f2, 8(a1)
    fsw     f3, 12(a1)
    fsw     f4, 16(a1)
    fsw     f5, 20(a1)
    addi    a1, a1, 24
    ret

// void pack_row(const float *from, float *to, uint32_t k): k words to every fourth place, 2.25 instructions each.
    .globl  pack_row
    .type   pack_row, @function
pack_row:
    srli    t0, a2, 2
    beqz    t0, 1f
    hardware_loop t0, 9
    cv.lw   t1, (a0), 4
    cv.lw   t2, (a0), 4
    cv.lw   t3, (a0), 4
    cv.lw   t4, (a0), 4
    sw      t1, 0(a1)
    sw      t2, 16(a1)
    sw      t3, 32(a1)
    sw      t4, 48(a1)
    addi    a1, a1, 64
1:  andi    t0, a2, 3
    beqz    t0, 2f
    hardware_loop t0, 3
    cv.lw   t1, (a0), 4
    sw      t1, 0(a1)
    addi    a1, a1, 16
2:  ret

// A product of the plain loop: the activation `at` bytes from a0, the weight a row of W further each time.
.macro dot_step at
    flw     f1, \at(a0)
    flw     f2, 0(a1)
    add     a1, a1, a3
    fmadd.s f0, f1, f2, f0
.endm

// uint32_t dot(const float *x, const float *w, uint32_t k, uint32_t w_stride)
//
// The plain loop: one result, both matrices row-major. 17 instructions for 4 MACs: 4.25 cycles a MAC.
    .globl  dot
    .type   dot, @function
dot:
    fmv.w.x f0, x0
    srli    t0, a2, 2
    beqz    t0, 1f
    hardware_loop t0, 17
    dot_step 0
    dot_step 4
    dot_step 8
    dot_step 12
    addi    a0, a0, 16
1:  andi    t0, a2, 3
    beqz    t0, 2f
    hardware_loop t0, 5
    dot_step 0
    addi    a0, a0, 4
2:  fmv.x.w a0, f0
    ret

.macro integer_step at
    cv.lb   t1, (a1), a3
    flw     f1, \at(a0)
    fcvt.s.w f2, t1
    fmadd.s f0, f1, f2, f0
.endm

// uint32_t dot_integers(const float *x, const int8_t *w, uint32_t k, uint32_t w_stride): the same, as long a loop.
    .globl  dot_integers
    .type   dot_integers, @function
dot_integers:
    fmv.w.x f0, x0
    srli    t0, a2, 2
    beqz    t0, 1f
    hardware_loop t0, 17
    integer_step 0
    integer_step 4
    integer_step 8
    integer_step 12
    addi    a0, a0, 16
1:  andi    t0, a2, 3
    beqz    t0, 2f
    hardware_loop t0, 5
    integer_step 0
    addi    a0, a0, 4
2:  fmv.x.w a0, f0
    ret
