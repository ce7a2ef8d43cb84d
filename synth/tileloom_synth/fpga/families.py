"""Families of FPGAs, as Yosys, nextpnr and amaranth-boards know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import clocks


@dataclass(frozen=True)
class Family:
    """A family of FPGAs.

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
    least_bits:
        Narrowest product that Yosys puts into a DSP block.
    lut, flip_flop, dsp, ram:
        The primitives that count as such; LUTs each with how many of them it takes.
    nextpnr:
        The program that places and routes, or None where there is none in wheels.
    pll:
        What makes a clock.
    product:
        File of a build that a board is programmed with.
    reported:
        For the report of a build, by what they are: nextpnr's names of what it used.
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
    pll: clocks.Pll
    product: str
    reported: Mapping[str, str]

    @property
    def keep_modules(self) -> str:
        """What keeps Yosys's command from making one module of all; that of a 7 series makes none."""
        return "-noflatten" if self.nextpnr else ""

    def used(self, cells: Mapping[str, int]) -> dict[str, int]:
        """Return how many LUTs, flip-flops, DSP blocks and memories these primitives are."""

        def count(kinds: tuple[str, ...]) -> int:
            return sum(number for kind, number in cells.items() if kind.startswith(kinds))

        return {
            "lut": sum(number * self.lut.get(kind, 0) for kind, number in cells.items()),
            "flip_flops": count(self.flip_flop),
            "dsp": count(self.dsp),
            "ram": count(self.ram),
        }

    def overrides(self, memories: Iterable[str], report: str) -> dict[str, str]:
        """Return what Amaranth's templates of a build are given; Vivado's take nothing.

        The modules ``memories`` have some of which no word is looked at that is read in the cycle in which it
        is written: as in ``mapping``, Yosys is told. Older versions of nextpnr know no ``$scopeinfo``.
        """
        if self.nextpnr is None:
            return {}
        return {
            "script_after_read": " ".join(
                ["setattr -set no_rw_check 1", *(f"{module}/m:*" for module in memories)]
            ),
            "synth_opts": self.synth.partition(" ")[2],
            "script_after_synth": "delete t:$scopeinfo",
            "nextpnr_opts": f"--report {report}",
        }


# A distributed memory takes four LUTs for its 16 words of 4 bits, and two that hold its write port.
# Yosys would join LUTs to one of five and more inputs: 887 of them for an element of FP32 x INT8 in place of
# 619, which is 3 % faster.
ECP5 = Family(
    name="ECP5",
    synth="synth_ecp5 -nowidelut",
    cells="lattice/cells_sim_ecp5.v",
    factor_bits=(18, 18),
    least_bits=1,
    lut={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    flip_flop=("TRELLIS_FF",),
    dsp=("MULT18X18D",),
    ram=("DP16KD",),
    nextpnr="nextpnr-ecp5",
    pll=clocks.ECP5,
    product="top.bit",
    reported={
        "LUT4": "TRELLIS_COMB",
        "flip-flops": "TRELLIS_FF",
        "DSP (18 x 18)": "MULT18X18D",
        "block RAM (18 kbit)": "DP16KD",
    },
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
    pll=clocks.ICE40,
    product="top.bin",
    reported={
        "logic cells": "ICESTORM_LC",
        "DSP (16 x 16)": "ICESTORM_DSP",
        "block RAM (4 kbit)": "ICESTORM_RAM",
    },
)
SERIES7 = Family(
    name="7 series",
    synth="synth_xilinx -family xc7",
    cells="xilinx/cells_sim.v",
    factor_bits=(24, 17),
    least_bits=9,
    lut={
        **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
        **{"SRL16E": 1, "SRLC32E": 1, "RAM32M": 4, "RAM64M": 4},
    },
    flip_flop=("FD",),
    dsp=("DSP48E1",),
    ram=("RAMB18E1", "RAMB36E1"),
    nextpnr=None,
    pll=clocks.SERIES7,
    product="top.bit",
    reported={},
)
