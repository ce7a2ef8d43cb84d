"""The boards: which FPGA each has, what there is in it, and what amaranth-boards calls it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from tileloom.config import did_you_mean
from tileloom.errors import ToolError, UserError

from .families import ECP5, ICE40, SERIES7, Family
from .tools import EXTRA


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    name, title, part:
        As commands have it, for people, and what is printed on the FPGA.
    family:
        Of the FPGA.
    options:
        nextpnr's, for the FPGA and its package.
    lut, flip_flops, dsp, ram:
        How many there are; of memories the blocks that Yosys maps to.
    period_ps:
        What a design alone is placed and routed for where no period is given, in picoseconds.
    module, platform:
        Of amaranth-boards.
    memory_bits:
        Of block RAM for a block's memories.
    loader:
        What openFPGALoader calls it.
    uart_pins:
        Receive and transmit on its connector ``io``, where it has no serial port of its own, else None.
    """

    name: str
    title: str
    part: str
    family: Family
    options: tuple[str, ...]
    lut: int
    flip_flops: int
    dsp: int
    ram: int
    period_ps: float
    module: str
    platform: str
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
    board.name: board
    for board in (
        Board(
            name="ulx3s-85f",
            title="ULX3S, ECP5 LFE5U-85F",
            part="LFE5U-85F-6BG381C",
            family=ECP5,
            options=("--85k", "--package", "CABGA381", "--speed", "6"),
            lut=83_640,
            flip_flops=83_640,
            dsp=156,
            ram=208,
            period_ps=12_500,
            module="ulx3s",
            platform="ULX3S_85F_Platform",
            memory_bits=1 << 21,
            loader="ulx3s",
        ),
        Board(
            name="orangecrab",
            title="OrangeCrab r0.2, ECP5 LFE5U-25F",
            part="LFE5U-25F-8MG285C",
            family=ECP5,
            options=("--25k", "--package", "CSFBGA285", "--speed", "8"),
            lut=24_288,
            flip_flops=24_288,
            dsp=28,
            ram=56,
            period_ps=12_500,
            module="orangecrab_r0_2",
            platform="OrangeCrabR0_2_25FPlatform",
            memory_bits=1 << 19,
            loader="orangeCrab",
            uart_pins=("0", "1"),
        ),
        Board(
            name="icebreaker",
            title="iCEBreaker, iCE40 UP5K",
            part="iCE40UP5K-SG48",
            family=ICE40,
            options=("--up5k", "--package", "sg48"),
            lut=5_280,
            flip_flops=5_280,
            dsp=8,
            ram=30,
            period_ps=41_667,
            module="icebreaker",
            platform="ICEBreakerPlatform",
            memory_bits=96 << 10,
            loader="ice40_generic",
        ),
        Board(
            name="arty-a7-35",
            title="Arty A7-35T, Artix-7 XC7A35T",
            part="XC7A35T-1CSG324C",
            family=SERIES7,
            options=(),
            lut=20_800,
            flip_flops=41_600,
            dsp=90,
            ram=100,
            period_ps=10_000,
            module="arty_a7",
            platform="ArtyA7_35Platform",
            memory_bits=1 << 20,
            loader="arty_a7_35t",
        ),
    )
}
"""Every board by its name."""


def find(name: str) -> Board:
    """Return a board. Raises UserError where there is none of this name."""
    if name not in BOARDS:
        raise UserError(f"--fpga {name}: no such board{did_you_mean(name, BOARDS, 'boards')}")
    return BOARDS[name]
