"""Runs programs on the real core with the unit in its pipeline, and on the machine, and compares."""

from functools import cache, partial

import numpy as np
import numpy.typing as npt

from tileloom.cores import Sources
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_golden.xfu.xdecimate import Decimate, Hart, Memory
from tileloom_sim.riscv.compile import Program, compile_program
from tileloom_sim.riscv.run import Conditions, run_program
from tileloom_sim.riscv.system import System

from .machine import Machine
from .program import BASES, DATA, DATA_BYTES, TABLE_WORDS
from .steps import LOG, TABLE, Step

COUNTS = DATA - 64
"""What the handlers count, words: illegal instructions, interrupts or debug requests, own wrong results."""

LOG_BASE = DATA + DATA_BYTES
DEBUG_DISTANCE = 0x400
"""From the trap handler to where the core goes on a debug request."""

HANDLER_OFFSETS = 0x61350724
HANDLER_BYTES = bytes(range(0xA0, 0xE0))

# Both handlers use the unit themselves, and what they interrupt must not notice.
USE_UNIT = """
    .word   {save}
    sw      t0, {kept} + 12(t6)
    la      t1, handler_bytes
    li      t2, {offsets}
    li      t0, 0
    .rept 8
    .word   {decimate}
    .endr
    li      t2, {expected}
    beq     t0, t2, 1f
    lw      t0, 8(t6)
    addi    t0, t0, 1
    sw      t0, 8(t6)
1:
"""

HANDLERS = """
    .text
    .balign 256
    .globl trap_entry
trap_entry:
    csrw    mscratch, t6
    li      t6, {counts}
    sw      t0, 32(t6)
    sw      t1, 36(t6)
    sw      t2, 40(t6)
{use_unit_in_trap}
    csrr    t0, mcause
    bltz    t0, 2f
    li      t1, 2
    bne     t0, t1, 4f
    csrr    t0, mepc
    addi    t0, t0, 4
    csrw    mepc, t0
    lw      t0, 0(t6)
    addi    t0, t0, 1
    sw      t0, 0(t6)
    j       3f
2:  li      t1, 0x10000000          # acknowledge the interrupt
    sw      x0, 0x10(t1)
    lw      t0, 4(t6)
    addi    t0, t0, 1
    sw      t0, 4(t6)
3:  lw      t0, 44(t6)
    .word   {restore}
    lw      t0, 32(t6)
    lw      t1, 36(t6)
    lw      t2, 40(t6)
    csrr    t6, mscratch
    mret
4:  li      t1, 0x10000000          # no trap that is expected: end the program with it
    csrr    t2, mepc
    sw      t2, 0x14(t1)
    sw      t0, 0x18(t1)
5:  j       5b

    .org    trap_entry + {debug_distance}
    csrw    0x7b2, t6               # dscratch0
    li      t6, {counts}
    sw      t0, 16(t6)
    sw      t1, 20(t6)
    sw      t2, 24(t6)
{use_unit_in_debug}
    li      t1, 0x10000000
    sw      x0, 0x10(t1)
    lw      t0, 4(t6)
    addi    t0, t0, 1
    sw      t0, 4(t6)
    lw      t0, 28(t6)
    .word   {restore}
    lw      t0, 16(t6)
    lw      t1, 20(t6)
    lw      t2, 24(t6)
    csrr    t6, 0x7b2
    .word   0x7b200073              # dret

    .section .rodata
handler_bytes:
    .byte   {bytes}
"""

MAIN = """
    .text
    .globl main
main:
    mv      x27, ra
    li      x{log}, {log_base}
    li      x{table}, {data}
    li      t0, {enabled}
    csrw    mie, t0
    csrsi   mstatus, 8
{body}
    csrci   mstatus, 8
    li      a0, 0
    mv      ra, x27
    ret
"""


@cache
def system(built: tuple[int, ...]) -> System:
    """Return the system whose core has a unit for these M."""
    config = XfuConfig(group_sizes=built)
    return System(core="cv32e40p", patch=partial(patch_sources, config=config))


def debugged(built: tuple[int, ...]) -> System:
    """Return a system whose interrupt line 17 is the core's debug request instead."""

    def patch(sources: Sources) -> Sources:
        patched = patch_sources(sources, XfuConfig(group_sizes=built))
        text = patched["cv32e40p_core.sv"]
        halt = f"{{mtvec, 8'd0}} + 32'd{DEBUG_DISTANCE}"
        for old, new in (
            (".debug_req_i           (debug_req_i)", ".debug_req_i           (irq_i[17])"),
            (".dm_halt_addr_i(dm_halt_addr_i[31:0])", f".dm_halt_addr_i({halt})"),
        ):
            assert text.count(old) == 1
            text = text.replace(old, new)
        return {**patched, "cv32e40p_core.sv": text}

    return System(core="cv32e40p", patch=patch)


def handlers(m: int) -> str:
    """Return the assembly of the handlers of traps and debug requests; their xDecimates are for ``m``."""
    hart = Hart(Memory(np.frombuffer(HANDLER_BYTES, np.uint8)).load)
    hart.registers[7] = HANDLER_OFFSETS
    hart.run([Decimate(m, 5, 6, 7)] * 8)
    fields = {
        "save": encode_counter(5, 0),
        "decimate": encode_decimate(m, 5, 6, 7),
        "offsets": HANDLER_OFFSETS,
        "expected": hart.registers[5],
    }
    return HANDLERS.format(
        counts=COUNTS,
        restore=encode_counter(0, 5),
        debug_distance=DEBUG_DISTANCE,
        bytes=", ".join(map(str, HANDLER_BYTES)),
        use_unit_in_trap=USE_UNIT.format(kept=32, **fields),
        use_unit_in_debug=USE_UNIT.format(kept=16, **fields),
    )


def assemble(steps: list[Step], m: int, *, interrupts: bool = True) -> Program:
    """Return the program of these steps."""
    body = "\n".join(line for step in steps for line in step.lines())
    enabled = 1 << 17 if interrupts else 0
    main = MAIN.format(log=LOG, log_base=LOG_BASE, table=TABLE, data=DATA, body=body, enabled=enabled)
    return compile_program("cv32e40p", {"main.S": main + handlers(m)}, main=["main.S"])


def memory(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return random data that starts with the table of bases."""
    data = rng.integers(256, size=DATA_BYTES, dtype=np.uint8)
    table = rng.integers(*BASES, size=TABLE_WORDS).astype("<u4")
    data[: 4 * TABLE_WORDS] = table.view(np.uint8)
    return data


def check(
    system: System,
    steps: list[Step],
    data: npt.NDArray[np.uint8],
    conditions: Conditions,
    m: int,
    *,
    interrupts: bool = True,
) -> Machine:
    """Run the steps on core and machine, and compare the log and all of memory. Return the machine.

    The handlers' xDecimates are for ``m``. ``interrupts`` enables line 17.
    """
    machine = Machine(Memory(data, base=DATA))
    machine.hart.registers[TABLE] = DATA
    for step in steps:
        step.run(machine)
    expected = np.concatenate([machine.words(), np.array(machine.log, dtype=np.uint32)])
    run = run_program(
        system,
        assemble(steps, m, interrupts=interrupts),
        memory={COUNTS: bytes(64), DATA: data.tobytes()},
        results=(COUNTS, 16 + expected.size),
        conditions=conditions,
    )
    illegal, requests, wrong = run.results[:3]
    differing = np.flatnonzero(run.results[16:] != expected)
    assert not differing.size, f"{differing.size} words differ, the first at {differing[0]}"
    assert (illegal, wrong) == (machine.illegal, 0)
    assert (requests > 0) == (conditions.interrupts is not None)
    return machine
