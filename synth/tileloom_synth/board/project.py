"""A board's project: the block's Verilog, pins, constraints and scripts, all in a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tileloom import scratch
from tileloom.board.description import BAUD, Board
from tileloom.board.top import BoardTop
from tileloom.config import Config, to_plain
from tileloom.errors import UserError
from tileloom.export import export
from tileloom.families import family_of
from tileloom.netlist.text import clocked_memories

from ..fpga import tools
from ..fpga.boards import BOARDS
from ..fpga.factors import as_significands
from ..fpga.mapping import within_blocks
from .pins import Pins

SAVED, BLOCK, TOP = "board.json", "block", "top"
"""The saved description, and the names of the modules: the block's top, and the outermost."""

REPORT = "report.json"
"""nextpnr's, in the project's folder."""

SLACK = 0.02
"""By how much, at most, a bit on the serial line may be too long or too short."""


@dataclass(frozen=True)
class Project:
    """A project: its board, what it says of itself, and its files, by name."""

    name: str
    board: Board
    files: Mapping[str, str | bytes]


def project(name: str, config: Config, megahertz: float | None = None) -> Project:
    """Return the project of a block on the board ``name``.

    The block's clock is the board's oscillator, or by a PLL the nearest to ``megahertz`` that there is. The
    same configuration, clock and tools give the same files. Raises UserError where the family or the size is
    nothing for this board, or no such clock, ToolError where a package is missing.
    """
    kind, family = BOARDS[name], family_of(config)
    pll = kind.family.pll
    if not family.has_room("tileloom", "board"):
        raise UserError(f"{name}: the {family.title} is part of a processor; boards take arrays and engines")
    platform = kind.create()
    source = int(platform.default_clk_frequency)
    setting = None
    if megahertz is not None and megahertz * 1e6 != source:
        setting = pll.nearest(source, megahertz * 1e6)
        if setting is None:
            raise UserError(f"--clock {megahertz:g}: the PLL of {kind.title} makes no clock of {source} Hz")
    hertz = source if setting is None else setting.hertz
    divisor = round(hertz / BAUD)
    if divisor < 4 or abs(divisor * BAUD / hertz - 1) > SLACK:
        raise UserError(
            f"--clock {hertz / 1e6:g}: no whole number of cycles is a bit of {BAUD:,} baud to {SLACK:.0%}; "
            f"take whole megahertz, from 4"
        )
    room = family.room("tileloom", "board")
    sizes = room.sizes(config, kind.memory_bits)
    board = Board(name, round(hertz), divisor, family.name, to_plain(config), sizes)
    top = BoardTop(config, board)
    verilog = as_significands(export(top, BLOCK, top.signals).verilog)
    memories = clocked_memories(verilog)
    platform.add_file(f"{BLOCK}.v", within_blocks(verilog, BLOCK, memories, kind))
    pins = Pins(BLOCK, hertz, pll, setting)
    # For Vivado it writes Verilog of the pins.
    with _yosys() if kind.family.nextpnr is None else contextlib.nullcontext():
        plan = platform.prepare(pins, TOP, **kind.family.overrides(memories, REPORT))
    return Project(name, board, {SAVED: board.text + "\n", **plan.files})


@contextlib.contextmanager
def _yosys() -> Iterator[None]:
    """Let Amaranth find the Yosys of a build while the block runs."""
    name = tools.variable(tools.YOSYS)
    before = os.environ.get(name)
    with scratch.folder() as folder:
        os.environ[name] = str(tools.yosys_program(folder))
        try:
            yield
        finally:
            del os.environ[name]
            if before is not None:
                os.environ[name] = before


def saved(folder: Path) -> Board:
    """Return the description of the project in a folder. Raises UserError where there is none."""
    path = folder / SAVED
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{folder}: has no {SAVED}; give a folder that tileloom board made") from None
    return Board.of_text(text, str(path))
