# Counts interrupts, takes bus errors, waits in wfi. Results: interrupts seen, and the sum that went on meanwhile.
    .text
    .globl main, trap_entry
main:
    csrr    t0, mtvec
    li      t0, (1 << 7) | (1 << 17)
    csrw    mie, t0
    csrsi   mstatus, 8
    li      t0, 0x10000000
    li      t1, 50
    sw      t1, 0x0c(t0)            # timer in 50 cycles
    wfi
    li      a1, 0
    li      a2, 2000
1:  add     a1, a1, a2
    addi    a2, a2, -1
    bnez    a2, 1b
    csrci   mstatus, 8
    la      a3, results
    sw      a1, 0(a3)
    la      a4, seen
    lw      a5, 0(a4)
    sw      a5, 4(a3)
    lw      a5, 4(a4)
    sw      a5, 8(a3)
    li      a0, 0
    ret

    .balign 256
trap_entry:
    addi    sp, sp, -16
    sw      t0, 0(sp)
    sw      t1, 4(sp)
    sw      t2, 8(sp)
    csrr    t1, mcause
    andi    t1, t1, 31
    li      t0, 0x10000000
    la      t2, seen
    li      t0, 7
    bne     t1, t0, 2f
    li      t0, 0x10000000
    sw      x0, 0x0c(t0)
    j       3f
2:  li      t0, 0x10000000
    sw      x0, 0x10(t0)
    addi    t2, t2, 4
3:  lw      t1, 0(t2)
    addi    t1, t1, 1
    sw      t1, 0(t2)
    lw      t0, 0(sp)
    lw      t1, 4(sp)
    lw      t2, 8(sp)
    addi    sp, sp, 16
    mret

    .bss
    .globl results
    .balign 4
results: .space 16
seen:    .space 8
