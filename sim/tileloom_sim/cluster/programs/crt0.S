# Start of every core of a cluster: a stack in L1, counters on, main, a barrier, and core 0 ends the program with what
# its main returns. A trap that nobody handles ends it with cause and pc.
    .section .init, "ax"
    .globl _start
_start:
    csrr    a0, mhartid
    la      sp, __l1_end            # stacks lie below it, core 0's at the top
    li      t0, STACK_BYTES
    mul     t0, t0, a0
    sub     sp, sp, t0
    la      t0, trap_entry
    csrw    mtvec, t0
    csrw    mcountinhibit, x0
    bnez    a0, 2f
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sw      x0, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  li      s0, 0x30000030          # barrier 0 is of all cores
    lw      x0, 0(s0)
    call    main
    lw      x0, 0(s0)
    csrr    t0, mhartid
    bnez    t0, 3f
    li      t0, 0x10000000
    sw      a0, 0(t0)
3:  j       3b

    .section .text.trap, "ax"
    .balign 256
trap_entry:
    .rept   32
    j       unhandled
    .endr

unhandled:
    li      t0, 0x10000000
    csrr    t1, mepc
    sw      t1, 0x14(t0)
    csrr    t1, mcause
    sw      t1, 0x18(t0)
4:  j       4b
