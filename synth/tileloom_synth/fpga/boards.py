"""The boards that a design is mapped for: which FPGA each has, and what there is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tileloom.config import did_you_mean
from tileloom.errors import UserError


@dataclass(frozen=True)
class Family:
    """A family of FPGAs, as Yosys and nextpnr know it.

    Attributes
    ----------
    name:
        For people.
    synth:
        Yosys's command.
    cells:
        Yosys's models of the primitives, below its share folder.
    factor_bits:
        Widest unsigned factors of a DSP block, the wider first.
    signed_only:
        A DSP block's factors are signed, so that an unsigned one has a bit less; as in ``factor_bits``.
    least_bits:
        Narrowest product that Yosys puts into a DSP block.
    lut, flip_flop, dsp, ram:
        The primitives that count as such, each with how many of the resource it takes.
    nextpnr:
        The program that places and routes, or None where there is none in wheels.
    """

    name: str
    synth: str
    cells: str
    factor_bits: tuple[int, int]
    least_bits: int
    lut: Mapping[str, int]
    flip_flop: tuple[str, ...]
    dsp: tuple[str, ...]
    ram: tuple[str, ...]
    nextpnr: str | None


# A distributed memory takes four LUTs for its 16 words of 4 bits, and two that hold its write port.
ECP5 = Family(
    name="ECP5",
    synth="synth_ecp5",
    cells="lattice/cells_sim_ecp5.v",
    factor_bits=(18, 18),
    least_bits=1,
    lut={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    flip_flop=("TRELLIS_FF",),
    dsp=("MULT18X18D",),
    ram=("DP16KD",),
    nextpnr="nextpnr-ecp5",
)
ICE40 = Family(
    name="iCE40 UltraPlus",
    synth="synth_ice40 -device u -dsp",
    cells="ice40/cells_sim.v",
    factor_bits=(16, 16),
    least_bits=11,
    lut={"SB_LUT4": 1},
    flip_flop=("SB_DFF",),
    dsp=("SB_MAC16",),
    ram=("SB_RAM40_4K",),
    nextpnr="nextpnr-ice40",
)
SERIES7 = Family(
    name="7 series",
    synth="synth_xilinx -family xc7",
    cells="xilinx/cells_sim.v",
    factor_bits=(24, 17),
    least_bits=9,
    lut={"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "LUT5": 1, "LUT6": 1, "RAM32M": 4, "RAM64M": 4},
    flip_flop=("FD",),
    dsp=("DSP48E1",),
    ram=("RAMB18E1", "RAMB36E1"),
    nextpnr=None,
)


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    name, part:
        As ``--fpga`` has it, and what is printed on the FPGA.
    family:
        Of the FPGA.
    options:
        nextpnr's, for the FPGA and its package.
    lut, flip_flops, dsp, ram:
        How many there are; of memories the blocks that Yosys maps to.
    period_ps:
        What is placed and routed for where no period is given, in picoseconds.
    """

    name: str
    part: str
    family: Family
    options: tuple[str, ...]
    lut: int
    flip_flops: int
    dsp: int
    ram: int
    period_ps: float


BOARDS = {
    board.name: board
    for board in (
        Board(
            "ulx3s-85f",
            "LFE5U-85F-6BG381C",
            ECP5,
            ("--85k", "--package", "CABGA381", "--speed", "6"),
            lut=83_640,
            flip_flops=83_640,
            dsp=156,
            ram=208,
            period_ps=12_500,
        ),
        Board(
            "orangecrab",
            "LFE5U-25F-8MG285C",
            ECP5,
            ("--25k", "--package", "CSFBGA285", "--speed", "8"),
            lut=24_288,
            flip_flops=24_288,
            dsp=28,
            ram=56,
            period_ps=12_500,
        ),
        Board(
            "icebreaker",
            "iCE40UP5K-SG48",
            ICE40,
            ("--up5k", "--package", "sg48"),
            lut=5_280,
            flip_flops=5_280,
            dsp=8,
            ram=30,
            period_ps=41_667,
        ),
        Board(
            "arty-a7-35",
            "XC7A35T-1CSG324C",
            SERIES7,
            (),
            lut=20_800,
            flip_flops=41_600,
            dsp=90,
            ram=100,
            period_ps=10_000,
        ),
    )
}
"""Every board by its name."""


def find(name: str) -> Board:
    """Return a board. Raises UserError where there is none of this name."""
    if name not in BOARDS:
        raise UserError(f"--fpga {name}: no such board{did_you_mean(name, BOARDS, 'boards')}")
    return BOARDS[name]
