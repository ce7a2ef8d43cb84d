# Every instruction of the array by its macro; main returns 0 if each does as documented.
#include "tileloom_array.h"
    .globl main
main:
    li      a0, 1
    .rept   TILELOOM_WEIGHT_WORDS
    tl.weight a0
    .endr
    tl.status a1
    li      a2, 1 << 28
    bne     a1, a2, 1f
    li      a2, 0x40000000
    tl.step a1, a2, a2
    tl.activation a3, x0
    tl.read a4, a2
    tl.reset a0
    tl.result a2
    tl.status a5
    xor     a0, a1, a2
    xor     a3, a3, a2
    or      a0, a0, a3
    xor     a4, a4, a2
    or      a0, a0, a4
    li      a2, 1 << 28 | 1
    xor     a5, a5, a2
    or      a0, a0, a5
1:  ret
