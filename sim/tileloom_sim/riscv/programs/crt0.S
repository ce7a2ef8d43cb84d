# Start of every program: stack, counters on, main, end of program. A trap that nobody handles ends the program
# with its cause and pc.
    .section .init, "ax"
    .globl _start
_start:
#ifdef UNPRIVILEGED
    j       1f
    j       trap_entry              # where PicoRV32's interrupts begin
1:  la      sp, __stack_top
#else
    la      sp, __stack_top
    la      t0, trap_entry
    csrw    mtvec, t0               # direct mode: bits 1 and 0 are zero
    csrw    mcountinhibit, x0       # both cores start with their counters off
#endif
#ifdef __riscv_flen
    li      t0, 0x2000              # mstatus.FS = initial: until then the FPU's instructions are illegal
    csrs    mstatus, t0
#endif
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sw      x0, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  call    main
    li      t0, 0x10000000
    sw      a0, 0(t0)
3:  j       3b

    .section .text.trap, "ax"
    .balign 256
    .weak   trap_entry
trap_entry:                         # all of a table, as CV32E40X has non-maskable interrupts at an entry of it
    .option push
    .option norvc
    .rept   32
    j       unhandled
    .endr
    .option pop

unhandled:
#ifdef UNPRIVILEGED
    .word   0                       # illegal: the core stops, which tells the harness
#else
    li      t0, 0x10000000
    csrr    t1, mepc
    sw      t1, 0x14(t0)
    csrr    t1, mcause
    sw      t1, 0x18(t0)
#endif
4:  j       4b
