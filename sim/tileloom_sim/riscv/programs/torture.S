# The frame of a random program: main, the trap handler, and what stores all registers at the end. SAVE is the
# register that the body leaves alone: it points at where registers and counts are kept (torture/program.py).
#
# The handler goes on behind an exception that is expected, acknowledges the interrupt, and uses the multiplier,
# the divider and, in handler.h, what is under test, which the program must not notice.
#define STATE       0x800fff00
#define TRAPS       0x80
#define CAUSES      0x84
#define INTERRUPTS  0x88
#define KEPT        0x90

    .text
    .option norvc
    .balign 256
    .globl  trap_entry
trap_entry:
    j       handle
    .rept   31                          # CV32E40X has non-maskable interrupts at an entry of a table
    j       unexpected
    .endr

handle:
    sw      T0, KEPT + 0(SAVE)
    sw      T1, KEPT + 4(SAVE)
    sw      T2, KEPT + 8(SAVE)
    sw      T3, KEPT + 12(SAVE)
    csrr    T0, mcause
    bltz    T0, 2f
    li      T1, (1 << 2 | 1 << 3 | 1 << 11)
    srl     T1, T1, T0
    andi    T1, T1, 1
    beqz    T1, unexpected
    lw      T1, CAUSES(SAVE)
    add     T1, T1, T0
    sw      T1, CAUSES(SAVE)
    lw      T1, TRAPS(SAVE)
    addi    T1, T1, 1
    sw      T1, TRAPS(SAVE)
    csrr    T1, mepc
    lhu     T2, 0(T1)
    andi    T2, T2, 3
    li      T3, 3
    addi    T1, T1, 2
    bne     T2, T3, 1f
    addi    T1, T1, 2
1:  csrw    mepc, T1
    j       3f
2:  lui     T1, 0x10000
    sw      x0, 0x10(T1)
    lw      T1, INTERRUPTS(SAVE)
    addi    T1, T1, 1
    sw      T1, INTERRUPTS(SAVE)
    mulhu   T2, T1, T0
    divu    T3, T2, T1
3:
#include "handler.h"
    lw      T0, KEPT + 0(SAVE)
    lw      T1, KEPT + 4(SAVE)
    lw      T2, KEPT + 8(SAVE)
    lw      T3, KEPT + 12(SAVE)
    mret

unexpected:
    lui     T0, 0x10000
    csrr    T1, mepc
    csrr    T2, mcause
    sw      T1, 0x14(T0)
    sw      T2, 0x18(T0)
4:  j       4b

    .globl  main
main:
    csrw    mscratch, x0
    li      t0, 1 << 17
    csrw    mie, t0
    li      SAVE, STATE
    csrsi   mstatus, 8
    j       body

    .balign 256
    .globl  body, finish
body:
#include "body.h"
finish:
    csrci   mstatus, 8
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sw      x\n, 4 * \n(SAVE)
    .endr
    lui     t0, 0x10000
    sw      x0, 0(t0)
5:  j       5b
