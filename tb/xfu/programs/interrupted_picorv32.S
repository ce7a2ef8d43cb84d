# The same as interrupted.S for PicoRV32, whose interrupts have instructions of their own (its README, "Custom Instructions
# for IRQ Handling"), and for xDecimate with two operands: the handler keeps the word of offsets as well.
    .section .init, "ax"
    .globl  _start
_start:
    j       1f
    j       trap_entry
1:  la      sp, __stack_top
    li      t0, ~(1 << 17)
    .insn r 0x0b, 0, 3, x0, t0, x0          # maskirq: line 17 alone
    call    main
    li      t0, -1
    .insn r 0x0b, 0, 3, x0, t0, x0
    li      t0, 0x10000000
    sw      a0, 0(t0)
2:  j       2b

    .section .text.trap, "ax"
trap_entry:
    addi    sp, sp, -32
    sw      t0, 0(sp)
    sw      t1, 4(sp)
    sw      t2, 8(sp)
    sw      t3, 12(sp)
    sw      t4, 16(sp)
    .insn r 0x2b, 6, 3, t2, x0, x0          # t2 = counter, counter = 0
    li      t1, 0x35                        # offsets 5 and 3
    .insn r 0x2b, 6, 7, t4, t1, x0          # t4 = word of offsets, word = t1
    la      t0, bytes
    li      t3, -1
    .insn r 0x2b, 6, 1, t3, t0, t3          # two xdecimate.8: both of group 0, into byte 0
    .insn r 0x2b, 6, 1, t3, t0, t3
    li      t0, 0xffffff33
    bne     t3, t0, unhandled
    .insn r 0x2b, 6, 7, t3, t4, x0          # t3 = word of offsets, word = t4
    bne     t3, t1, unhandled
    .insn r 0x2b, 6, 3, t3, t2, x0          # t3 = counter, counter = t2
    li      t0, 2
    bne     t3, t0, unhandled
    li      t0, 0x10000000
    sw      x0, 0x10(t0)
    lw      t0, 0(sp)
    lw      t1, 4(sp)
    lw      t2, 8(sp)
    lw      t3, 12(sp)
    lw      t4, 16(sp)
    addi    sp, sp, 32
    .insn r 0x0b, 0, 2, x0, x0, x0          # retirq
unhandled:
    .word   0

    .section .rodata
    .balign 4
bytes:
    .byte   0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77
