"""Small boards, whose memories make a small product many runs, and give nonsense where they may."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tileloom.board.description import Board
from tileloom.board.top import BoardTop
from tileloom.config import Config, to_plain
from tileloom.export import export
from tileloom.families import family_of, load
from tileloom_sim.board.port import OpenBoard, opened
from tileloom_sim.board.simulated import Disturbance, build, simulated

DIVISOR = 4
"""Cycles of a bit: as few as there may be."""

# Transfers of 40, 48 and 80 bits: not of whole words, and not of a power of two of them.
STREAM = {"rows": 3, "columns": 5, "activation": "fp16", "weight": "int8", "accumulator": "fp16"}
WORD = {
    "rows": 3,
    "columns": 2,
    "activation": "fp16",
    "weight": "int8",
    "accumulator": "fp16",
    "port": "word",
}
ENGINE = {
    "m": 1,
    "k": 2,
    "n": 2,
    "bus": 64,
    "a_words": 64,
    "acc_tiles": 4,
    "wrapper": "axi4",
    "burst_beats": 4,
}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "stream": ("stream-8x8-fp16", STREAM),
    "registers": ("stream-8x8-fp16", STREAM | {"wrapper": "axi4"}),
    "word": ("sasp-4x4-int8", WORD),
    "engine": ("engine-int8-axi4", ENGINE),
    "systolic engine": (
        "engine-fp32-int8",
        {"k": 1, "n": 2, "bus": 64, "a_words": 64, "acc_tiles": 4, "port": "axi4", "wrapper": "axi4"},
    ),
}
BITS = {"stream": 12_000, "registers": 12_000, "word": 4_000, "engine": 1 << 15, "systolic engine": 1 << 15}
"""Of the memories: some tiles of some vectors, one page."""


MODULE = re.compile(r"^module .*?^endmodule$", re.MULTILINE | re.DOTALL)
WRITTEN = re.compile(r"    if \((.+)\)\n      (\w+)\[(\w+)\] <= ")
READ = re.compile(r"^( +\w+ <= )(\w+)\[(\w+)\];", re.MULTILINE)


def undefined_collisions(verilog: str) -> str:
    """Return Verilog whose memories give nonsense for a word that is written in the cycle of its read.

    So do those of FPGAs, and nobody may look at it. Raises AssertionError where no memory does.
    """
    changed = 0
    for module in MODULE.findall(verilog):
        written = {memory: (enable, place) for enable, memory, place in WRITTEN.findall(module)}

        def read(found: re.Match[str], written: dict[str, tuple[str, str]] = written) -> str:
            to, memory, place = found.groups()
            if memory not in written:
                return found[0]
            enable, other = written[memory]
            return f"{to}({enable}) && {other} == {place} ? ~{memory}[{place}] : {memory}[{place}];"

        text = READ.sub(read, module)
        changed += text != module
        verilog = verilog.replace(module, text)
    assert changed > 1, "no memory is read where it may be written"
    return verilog


@functools.cache
def made(name: str) -> tuple[Config, Board, Path]:
    """Return a configuration, its board, and the program that simulates it."""
    preset, fields = CONFIGS[name]
    config = load(preset, **fields)
    family = family_of(config)
    sizes = family.room("tileloom", "board").sizes(config, BITS[name])
    board = Board("small", DIVISOR * 1_000_000, DIVISOR, family.name, to_plain(config), sizes)
    top = BoardTop(config, board)
    verilog = undefined_collisions(export(top, "board", top.signals).verilog)
    return config, board, build(verilog, "board")


@contextmanager
def small(name: str, wrong: Disturbance | None = None) -> Iterator[tuple[Config, OpenBoard]]:
    """Give the block a small board that was opened, and its configuration."""
    config, board, program = made(name)
    with simulated(program, DIVISOR, wrong or Disturbance()) as line, opened(line, "sim:", board) as found:
        yield config, found
