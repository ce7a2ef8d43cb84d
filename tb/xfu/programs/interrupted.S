# crt0.S for a program that is interrupted by line 17 all the time, by a handler that uses xDecimate itself: it
# puts the counter away, counts from 0, and puts the counter back. Needs the instruction for 1:8.
    .section .init, "ax"
    .globl  _start
_start:
    la      sp, __stack_top
    la      t0, trap_entry
    csrw    mtvec, t0
    csrw    mcountinhibit, x0
    li      t0, 1 << 17
    csrw    mie, t0
    csrsi   mstatus, 8
    call    main
    csrci   mstatus, 8
    li      t0, 0x10000000
    sw      a0, 0(t0)
1:  j       1b

    .section .text.trap, "ax"
    .balign 256
trap_entry:
    addi    sp, sp, -16
    sw      t0, 0(sp)
    sw      t1, 4(sp)
    sw      t2, 8(sp)
    sw      t3, 12(sp)
    csrr    t0, mcause
    bgez    t0, unhandled
    .insn r4 0x2b, 6, 3, t2, x0, x0, x0     # t2 = counter, counter = 0
    la      t0, bytes
    li      t1, 0x35                        # offsets 5 and 3
    li      t3, -1
    .insn r4 0x2b, 6, 1, t3, t0, t1, t3     # two xdecimate.8: both of group 0, into byte 0
    .insn r4 0x2b, 6, 1, t3, t0, t1, t3
    li      t0, 0xffffff33
    bne     t3, t0, unhandled
    .insn r4 0x2b, 6, 3, t3, t2, x0, x0     # t3 = counter, counter = t2
    li      t0, 2
    bne     t3, t0, unhandled
    li      t0, 0x10000000
    sw      x0, 0x10(t0)
    lw      t0, 0(sp)
    lw      t1, 4(sp)
    lw      t2, 8(sp)
    lw      t3, 12(sp)
    addi    sp, sp, 16
    mret
unhandled:
    li      t0, 0x10000000
    csrr    t1, mepc
    sw      t1, 0x14(t0)
    csrr    t1, mcause
    sw      t1, 0x18(t0)
2:  j       2b

    .section .rodata
    .balign 4
bytes:
    .byte   0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77
