"""How fast xDecimates run inside the core with single-cycle memory, counted in cycles."""

import pytest

from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_golden.xfu.xdecimate import GROUPS
from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import run_program

from .bench import system


def decimate(m: int, rd: int) -> str:
    """Return an xDecimate with s0 as base and s1 as offsets."""
    return f".word {encode_decimate(m, rd, 8, 9):#010x}\n"


def swap(rd: int) -> str:
    """Return xdecimate.counter that sets the counter to zero."""
    return f".word {encode_counter(rd, 0):#010x}\n"


# Of each the instructions, and how many. Like any load, an xDecimate holds up an instruction just behind it
# that writes its rd through the ALU or reads it: these do neither.
SEQUENCES = {
    "one rd": (decimate(8, 10) * 8, 8),
    "two rd in turn": ((decimate(4, 10) + decimate(4, 11)) * 4, 8),
    "rd just written by the ALU": (
        ("add a0, a2, a3\n" + decimate(16, 10) + "mul a1, a2, a3\n" + decimate(16, 11)) * 2,
        8,
    ),
    "rd just loaded": (("lw a0, 0(s0)\n" + decimate(16, 10)) * 4, 8),
    "rd just swapped with the counter": (
        (swap(10) + decimate(8, 10) + swap(11) + decimate(8, 11)) * 2,
        8,
    ),
    "rd stored just behind": ((decimate(8, 10) + "add a1, a2, a3\nsw a0, 4(s2)\n") * 4, 12),
    "kernel": (
        "cv.lw s1, (s3), 0\ncv.lw a2, (s4), 0\n"
        + (decimate(8, 10) + decimate(8, 11)) * 4
        + "cv.sdotsp.b a4, a0, a2\ncv.sdotsp.b a5, a1, a2\n",
        12,
    ),
}


def cycles(body: str, times: int) -> int:
    """Return how many cycles a program takes whose hardware loop runs ``body`` so often."""
    lines = body.count("\n")
    source = f"""
    .globl main
main:
    la      s0, data
    mv      s2, s0
    mv      s3, s0
    mv      s4, s0
    lw      s1, 0(s0)
    .word   {times << 20 | lines + 1 << 15 | 4 << 12 | 0b0110 << 8 | 0x2B}
{body}
    .word   {encode_counter(0, 0)}
    li      a0, 0
    ret
    .data
data:
    .zero   65536
    """
    program = compile_program("cv32e40p", {"main.S": source}, main=["main.S"])
    return run_program(system(GROUPS), program).cycles


@pytest.mark.parametrize("name", SEQUENCES)
def test_one_instruction_a_cycle(name: str) -> None:
    body, instructions = SEQUENCES[name]
    assert body.count("\n") == instructions
    assert cycles(body, 60) - cycles(body, 20) == 40 * instructions
