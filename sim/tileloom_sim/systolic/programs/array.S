// Inner loops of the product on the array: a vector's words in turn, TILELOOM_STEPS of them, each an activation in and
// a result out. The result belongs to the vector two before (TILELOOM_LAG), so that `y` stands where that one's is.
//
// Four words at a time, so that no instruction waits for a load or for the array:
//
//     4 loads of activations, 4 of sums (only where they are in y), 4 steps, 4 stores (not where sums are held)
#include "tileloom_array.h"

// What a result is added to, and where the sum goes.
    .equ    ALONE, 0   // to +0, to y
    .equ    ADDING, 1  // to what is in y, to y
    .equ    FIRST, 2   // to +0, held in the array
    .equ    NEXT, 3    // to the sum that is held, held
    .equ    LAST, 4    // to the sum that is held, to y

// `count` words, 4 or 1. `apart`: vectors are somewhere else than one behind the other; if not, CV32E40P's loads and
// stores take a0 and a1 along.
.macro words count, kind, apart
    load_x  t0, 0, \apart
    .if     \count > 1
    load_x  t1, 4, \apart
    load_x  t2, 8, \apart
    load_x  t3, 12, \apart
    .endif
    .if     \kind == ADDING
    lw      t4, at+0(a1)
    .if     \count > 1
    lw      t5, at+4(a1)
    lw      t6, at+8(a1)
    lw      a5, at+12(a1)
    .endif
    .endif
    give    t0, t4, \kind
    .if     \count > 1
    give    t1, t5, \kind
    give    t2, t6, \kind
    give    t3, a5, \kind
    .endif
    .if     \kind < FIRST || \kind == LAST
    store_y t0, 0, \apart
    .if     \count > 1
    store_y t1, 4, \apart
    store_y t2, 8, \apart
    store_y t3, 12, \apart
    .endif
    .endif
    .if     \apart
    .set    at, at + 4 * \count
    .endif
.endm

.macro give register, sum, kind
    .if     \kind == ALONE
    tl.step \register, \register, x0
    .elseif \kind == ADDING
    tl.step \register, \register, \sum
#if TILELOOM_ACCUMULATORS
    .elseif \kind == FIRST
    tl.first \register
    .elseif \kind == NEXT
    tl.next \register
    .else
    tl.last \register, \register
#endif
    .endif
.endm

.macro load_x register, offset, apart
    .if     \apart
    lw      \register, at+\offset(a0)
    .else
    cv.lw   \register, (a0), 4
    .endif
.endm

.macro store_y register, offset, apart
    .if     \apart
    sw      \register, at+\offset(a1)
    .else
    cv.sw   \register, (a1), 4
    .endif
.endm

.macro vector kind, apart
    .set    at, 0
    .rept   TILELOOM_STEPS / 4
    words   4, \kind, \apart
    .endr
    .rept   TILELOOM_STEPS % 4
    words   1, \kind, \apart
    .endr
    .if     \apart
    add     a0, a0, a3
    add     a1, a1, a4
    .endif
.endm

// Repeat what stands up to `end_repeat`, `body` instructions, 3 or more, a2 times, which is not 0.
.macro repeat body
#ifdef XPULP
    .insn   i 0x2b, 4, x14, a2, \body + 1
#else
0:
#endif
.endm

.macro end_repeat
#ifndef XPULP
    addi    a2, a2, -1
    bnez    a2, 0b
#endif
.endm

// `each`: instructions for a word.
.macro vectors kind, each
#ifdef XPULP
    .if     \each * TILELOOM_STEPS > 2
    li      a5, 4 * TILELOOM_STEPS
    bne     a3, a5, 1f
    bne     a4, a5, 1f
    repeat  \each * TILELOOM_STEPS
    vector  \kind, 0
    end_repeat
    ret
1:
    .endif
#endif
    repeat  \each * TILELOOM_STEPS + 2
    vector  \kind, 1
    end_repeat
    ret
.endm

    .text
    .option norvc

// void tileloom_vectors_first(const uint32_t *x, uint32_t *y, uint32_t vectors, uint32_t x_stride, uint32_t y_stride)
//
// Of the first tile along k: sums begin from +0. 3 instructions a word, and 2 a vector where vectors lie apart.
    .globl  tileloom_vectors_first
tileloom_vectors_first:
    vectors ALONE, 3

// void tileloom_vectors_next(...): of a further tile, added to what is in y. 4 instructions a word.
    .globl  tileloom_vectors_next
tileloom_vectors_next:
    vectors ADDING, 4

#if TILELOOM_ACCUMULATORS
// The same where sums are held in the array, of the first tile along k, a further one, and the last: 2, 2 and 3
// instructions a word.
    .globl  tileloom_vectors_held_first, tileloom_vectors_held_next, tileloom_vectors_held_last
tileloom_vectors_held_first:
    vectors FIRST, 2
tileloom_vectors_held_next:
    vectors NEXT, 2
tileloom_vectors_held_last:
    vectors LAST, 3
#endif

// void tileloom_vectors_feed(const uint32_t *x, uint32_t vectors, uint32_t x_stride): vectors before any result.
    .globl  tileloom_vectors_feed
tileloom_vectors_feed:
    mv      a3, a2
    mv      a2, a1
    repeat  2 * TILELOOM_STEPS + 1
    .set    at, 0
    .rept   TILELOOM_STEPS
    lw      t0, at(a0)
    tl.step x0, t0, x0
    .set    at, at + 4
    .endr
    add     a0, a0, a3
    end_repeat
    ret

// void tileloom_tile(const uint32_t *words): the words of one tile of weights, four at a time.
    .globl  tileloom_tile
tileloom_tile:
#if TILELOOM_WEIGHT_WORDS / 4
    li      a2, TILELOOM_WEIGHT_WORDS / 4
    repeat  9
    lw      t0, 0(a0)
    lw      t1, 4(a0)
    lw      t2, 8(a0)
    lw      t3, 12(a0)
    tl.weight t0
    tl.weight t1
    tl.weight t2
    tl.weight t3
    addi    a0, a0, 16
    end_repeat
#endif
    .set    at, 0
    .rept   TILELOOM_WEIGHT_WORDS % 4
    lw      t0, at(a0)
    tl.weight t0
    .set    at, at + 4
    .endr
    ret
