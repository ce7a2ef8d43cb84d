# A program for PicoRV32 that decimates 0, 1, 2, ... into two registers; a handler of line 31, load_error, counts, checks
# that nothing behind the failed instruction was executed, takes the line back, and returns to that instruction.
    .section .init, "ax"
    .globl  _start
_start:
    j       1f
    j       trap_entry
1:  li      t0, 0x7fffffff
    .insn r 0x0b, 0, 3, x0, t0, x0          # maskirq: line 31 alone
    la      s0, bytes
    li      t0, 0x32103210
    .insn r 0x2b, 6, 7, x0, t0, x0          # offsets
    li      a0, 0
    li      a1, 0
    li      s1, 0
sequence:
    .rept   4
    .insn r 0x2b, 6, 1, a0, s0, a0          # xdecimate.8
    addi    s1, s1, 1                       # how many are done
    .insn r 0x2b, 6, 1, a1, s0, a1
    addi    s1, s1, 1
    .endr
    .insn r 0x2b, 6, 3, a2, x0, x0          # counter
    la      t0, results
    sw      a0, 0(t0)
    sw      a1, 4(t0)
    sw      a2, 8(t0)
    sw      s2, 12(t0)
    addi    a0, s1, -8                      # the exit code
    li      t0, 0x10000000
    sw      a0, 0(t0)
2:  j       2b

trap_entry:
    addi    s2, s2, 1
    .insn r 0x2b, 6, 3, t1, x0, x0          # takes load_error back
    .insn r 0x2b, 6, 3, x0, t1, x0
    bne     t1, s1, 3f                      # as many were counted as are done
    .insn r 0x0b, 0, 0, t0, x0, x0          # getq t0, q0
    addi    t0, t0, -4
    .insn r 0x0b, 0, 1, x0, t0, x0          # setq q0, t0
    .insn r 0x0b, 0, 2, x0, x0, x0          # retirq
3:  .word   0

    .section .data
    .balign 16
bytes:
    .byte   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    .byte   31, 32, 33, 34, 35, 36, 37, 38, 39, 40
    .balign 4
    .globl  results
results:
    .word   0, 0, 0, 0
