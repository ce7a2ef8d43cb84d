"""The boards: what amaranth-boards calls them, and what it does not say of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tileloom.errors import ToolError

from . import clocks

EXTRA = "board"
"""The optional dependencies: ``pip install 'tileloom[board]'``."""


@dataclass(frozen=True)
class Toolchain:
    """Tools for a family of FPGAs.

    Attributes
    ----------
    pll:
        Of the family.
    overrides:
        For Amaranth's templates.
    product:
        File of the build that a board is programmed with.
    cells:
        For a report, by what they are: nextpnr's names of them, of which one is there.
    needs_verilog:
        Its pins are in Verilog, which takes a Yosys to write.
    """

    pll: clocks.Pll
    overrides: Mapping[str, str]
    product: str
    cells: Mapping[str, tuple[str, ...]]
    needs_verilog: bool = False


ECP5 = Toolchain(
    clocks.ECP5,
    {"nextpnr_opts": "--report report.json"},
    "top.bit",
    {
        "LUT4": ("TRELLIS_COMB",),
        "flip-flops": ("TRELLIS_FF",),
        "DSP (18 x 18)": ("MULT18X18D",),
        "block RAM (18 kbit)": ("DP16KD",),
    },
)
ICE40 = Toolchain(
    clocks.ICE40,
    {"nextpnr_opts": "--report report.json", "synth_opts": "-device u -dsp"},
    "top.bin",
    {
        "logic cells": ("ICESTORM_LC",),
        "DSP (16 x 16)": ("ICESTORM_DSP",),
        "block RAM (4 kbit)": ("ICESTORM_RAM",),
    },
)
VIVADO = Toolchain(clocks.SERIES7, {}, "top.bit", {}, needs_verilog=True)


@dataclass(frozen=True)
class BoardKind:
    """A board.

    Attributes
    ----------
    title:
        For people.
    module, platform:
        Of amaranth-boards.
    tools:
        For its FPGA.
    memory_bits:
        Of block RAM for a block's memories.
    loader:
        What openFPGALoader calls it.
    uart_pins:
        Receive and transmit on its connector ``io``, where it has no serial port of its own, else None.
    """

    title: str
    module: str
    platform: str
    tools: Toolchain
    memory_bits: int
    loader: str
    uart_pins: tuple[str, str] | None = None

    def create(self) -> Any:
        """Return Amaranth's platform, with a resource ``uart``. Raises ToolError without amaranth-boards."""
        try:
            module = importlib.import_module(f"amaranth_boards.{self.module}")
        except ImportError:
            raise ToolError(
                f"amaranth-boards is not installed, which describes boards: pip install 'tileloom[{EXTRA}]'"
            ) from None
        platform = getattr(module, self.platform)()
        if self.uart_pins is not None:
            from amaranth.build import Attrs
            from amaranth_boards.resources import UARTResource

            receive, transmit = self.uart_pins
            attributes = Attrs(IO_TYPE="LVCMOS33")
            platform.add_resources(
                [UARTResource(0, rx=receive, tx=transmit, conn=("io", 0), attrs=attributes)]
            )
        return platform


BOARDS = {
    "ulx3s-85f": BoardKind("ULX3S, ECP5 LFE5U-85F", "ulx3s", "ULX3S_85F_Platform", ECP5, 1 << 21, "ulx3s"),
    "orangecrab": BoardKind(
        "OrangeCrab r0.2, ECP5 LFE5U-25F",
        "orangecrab_r0_2",
        "OrangeCrabR0_2_25FPlatform",
        ECP5,
        1 << 19,
        "orangeCrab",
        ("0", "1"),
    ),
    "icebreaker": BoardKind(
        "iCEBreaker, iCE40 UP5K", "icebreaker", "ICEBreakerPlatform", ICE40, 96 << 10, "ice40_generic"
    ),
    "arty-a7-35": BoardKind(
        "Arty A7-35T, Artix-7 XC7A35T", "arty_a7", "ArtyA7_35Platform", VIVADO, 1 << 20, "arty_a7_35t"
    ),
}
"""Every board by its name."""
