"""The block index walker against the plain enumeration of the blocks of random masks."""

from typing import NamedTuple

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import connect

from support.streams import simulate, sink, source
from tileloom.engine.layouts import WALK_COMMAND
from tileloom.engine.repeat import Repeat
from tileloom.engine.walker import Walker


class Token(NamedTuple):
    """What the walker hands out."""

    column: int
    row: int
    empty: bool
    first: bool
    last: bool
    end: bool
    final: bool


class Bench(Elaboratable):
    """The walker behind what repeats its commands."""

    def __init__(self) -> None:
        self.repeat = Repeat(WALK_COMMAND)
        self.walker = Walker()

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.repeat, m.submodules.walker = self.repeat, self.walker
        connect(m, self.repeat.iterations, self.walker.commands)
        m.d.comb += self.walker.final.eq(self.repeat.last)
        return m


def tokens(mask: np.ndarray, final: bool) -> list[Token]:
    """Return what the index of the kept blocks of ``mask`` (block rows x block columns) must give."""
    found = []
    for column, kept in enumerate(mask.T):
        rows = np.flatnonzero(kept).tolist()
        for place, row in enumerate(rows or [0]):
            last = place >= len(rows) - 1
            end = last and column == mask.shape[1] - 1
            found.append(Token(column, row, not rows, place == 0, last, end, end and final))
    return found


def masks(rng: np.random.Generator) -> list[np.ndarray]:
    """Return masks of every kind: empty, full, one block, columns of either, anything."""
    found = [np.zeros((3, 4), bool), np.ones((5, 3), bool), np.zeros((1, 1), bool), np.ones((1, 1), bool)]
    found += [np.eye(7, 9, 3, dtype=bool), np.zeros((4, 6), bool), np.ones((1, 8), bool)]
    found[-2][2, 5] = True
    for density in (0.02, 0.2, 0.5, 0.9):
        found += [rng.random((rng.integers(1, 80), rng.integers(1, 30))) < density for _ in range(6)]
    return [found[index] for index in rng.permutation(len(found))]


def run(
    feeds: dict[str, list[dict[str, int]]], count: int, idle: float, rng: np.random.Generator
) -> tuple[list[Token], list[int], int]:
    """Return the tokens, the cycles in which they were taken, and the faults."""
    dut = Bench()
    walker = dut.walker
    received: list[tuple] = []
    when: list[int] = []
    simulate(
        dut,
        sink(walker.tokens, count, received, rng, idle, beside=[walker.column, walker.fault], when=when),
        source(dut.repeat.commands, feeds["commands"], rng, idle),
        source(walker.index, feeds["index"], rng, idle),
    )
    tokens = [
        Token(column, *(getattr(token, name) for name in Token._fields[1:])) for token, column, _ in received
    ]
    return tokens, when, received[-1][2]


def entry(token: Token) -> dict[str, int]:
    return {"row": token.row, "empty": token.empty, "last": token.last}


@pytest.mark.parametrize("idle", [0.0, 0.5], ids=["flowing", "stalled"])
def test_walks(idle: float, rng: np.random.Generator) -> None:
    matrices = masks(rng)
    counts = rng.integers(1, 4, len(matrices)).tolist()
    commands = [
        {"iterations": count, "columns": mask.shape[1], "blocks": mask.shape[0]}
        for mask, count in zip(matrices, counts, strict=True)
    ]
    expected = [
        token
        for mask, count in zip(matrices, counts, strict=True)
        for iteration in range(count)
        for token in tokens(mask, iteration == count - 1)
    ]
    # Something behind the last, which must not be taken.
    index = [*map(entry, expected), {"row": 1, "empty": 0, "last": 1}]
    received, when, fault = run({"commands": commands, "index": index}, len(expected), idle, rng)
    assert received == expected
    assert len(received) > 1000
    assert fault == 0
    if not idle:
        # One in every cycle, whatever the pattern, from one command to the next too.
        assert when == list(range(when[0], when[0] + len(expected)))


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ([[0, 4], [4]], 0),
        ([[0, 5], [4]], 1),
        ([[0], [16383]], 1),
        ([[0, 3, 3, 4]], 2),
        ([[3, 1]], 2),
        ([[1, 0], [7]], 3),
    ],
)
def test_faults(columns: list[list[int]], fault: int, rng: np.random.Generator) -> None:
    expected = [
        Token(column, row, False, place == 0, place == len(rows) - 1, False, False)
        for column, rows in enumerate(columns)
        for place, row in enumerate(rows)
    ]
    expected[-1] = expected[-1]._replace(end=True, final=True)
    commands = [{"iterations": 1, "columns": len(columns), "blocks": 5}]
    feeds = {"commands": commands, "index": [*map(entry, expected)]}
    received, _, found = run(feeds, len(expected), 0.3, rng)
    assert received == expected
    assert found == fault
