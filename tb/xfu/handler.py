"""Where things are in the memory of the core's bench, and its trap handler."""

from tileloom.xfu.instruction import encode_counter, encode_decimate
from xfu import assembler as asm

BASE, SIZE = 0x8000_0000, 4 << 20
HANDLER, PROGRAM, DATA, RESULTS, QUIET = (BASE + at for at in (0x80, 0x400, 0x200000, 0x300000, 0x380000))
DATA_SIZE = 1 << 20
END, ACKNOWLEDGE, MARK = 0x1000_0000, 0x1000_0004, 0x1000_0008
ERROR_LINE, RANDOM_LINE = 31, 16


def handler() -> list[int]:
    """Return the trap handler.

    It saves the counter, uses the unit for itself, and restores the counter, as a context switch would.
    x26, x27 and x28 count failed loads, interrupts and illegal instructions.
    """
    counter, value, base, mcause, mepc, register = 20, 21, 22, 24, 25, 23
    start = [
        encode_counter(counter, 0),
        *asm.constant(base, QUIET),
        *[encode_decimate(size, value, base, register) for size in (4, 8, 16)],
        encode_counter(0, counter),
        asm.csrrs(mcause, asm.MCAUSE, 0),
        asm.csrrs(mepc, asm.MEPC, 0),
    ]
    exception = [
        # Only an illegal instruction may get here; anything else ends the program with its cause.
        asm.addi(mcause, mcause, -2),
        asm.branch(0, mcause, 0, 12),
        *[asm.lui(register, END >> 12), asm.sw(mcause, register, 0)],
        asm.addi(28, 28, 1),
        asm.addi(mepc, mepc, 4),
        asm.csrrw(0, asm.MEPC, mepc),
        asm.MRET,
    ]
    failed_load = [
        asm.addi(26, 26, 1),
        asm.addi(mepc, mepc, -4),
        asm.csrrw(0, asm.MEPC, mepc),
        asm.MRET,
    ]
    interrupt = [
        asm.addi(27, 27, 1),
        asm.lui(register, END >> 12),
        asm.sw(0, register, ACKNOWLEDGE - END),
        asm.MRET,
    ]
    choose = [
        # mcause of an interrupt is negative.
        asm.branch(5, mcause, 0, 4 * (4 + len(failed_load) + len(interrupt))),
        asm.op_imm(7, mcause, mcause, 31),
        asm.addi(mcause, mcause, -ERROR_LINE),
        asm.branch(1, mcause, 0, 4 * (1 + len(failed_load))),
    ]
    return [*start, *choose, *failed_load, *interrupt, *exception]
