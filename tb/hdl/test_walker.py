"""The block index walker against the plain enumeration of the blocks of random masks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator, SimulatorContext

from tileloom.blocksparse.walker import Walker


class Entry(NamedTuple):
    """What the walker hands out; ``row`` is None where it means nothing."""

    column: int
    row: int | None
    empty: bool
    first: bool
    last: bool
    end: bool
    final: bool


class Bench(Elaboratable):
    """The walker with memories that hold the indexes of several matrices one after the other."""

    def __init__(self, counts: Sequence[int], rows: Sequence[int]) -> None:
        self.walker = Walker(len(counts), len(rows), row_bits=5, walk_bits=3)
        self.counts = Memory(shape=self.walker.counts.data.shape(), depth=len(counts), init=counts)
        self.rows = Memory(shape=5, depth=len(rows), init=rows)

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.walker, m.submodules.counts, m.submodules.rows = self.walker, self.counts, self.rows
        connect(m, self.walker.counts, self.counts.read_port())
        connect(m, self.walker.rows, self.rows.read_port())
        return m


def entries(mask: np.ndarray, walks: int) -> list[Entry]:
    """Return what a walk over the kept blocks of ``mask`` (block rows x block columns) must give."""
    found = []
    for walk in range(walks):
        for column, kept in enumerate(mask.T):
            rows = np.flatnonzero(kept).tolist()
            for place, row in enumerate(rows or [None]):
                last = place >= len(rows) - 1
                end = last and column == mask.shape[1] - 1
                found.append(Entry(column, row, not rows, place == 0, last, end, end and walk == walks - 1))
    return found


def masks(rng: np.random.Generator) -> list[np.ndarray]:
    """Return masks of every kind: empty, full, one block, columns of either, anything."""
    found = [np.zeros((3, 4), bool), np.ones((5, 3), bool), np.zeros((1, 1), bool), np.ones((1, 1), bool)]
    found += [np.eye(7, 9, 3, dtype=bool), np.zeros((4, 6), bool), np.ones((1, 8), bool)]
    found[-2][2, 5] = True
    for density in (0.02, 0.2, 0.5, 0.9):
        found += [rng.random((rng.integers(1, 32), rng.integers(1, 12))) < density for _ in range(6)]
    return [found[index] for index in rng.permutation(len(found))]


@pytest.mark.parametrize("idle", [0.0, 0.5], ids=["flowing", "stalled"])
def test_walks(idle: float, rng: np.random.Generator) -> None:
    matrices = masks(rng)
    counts = [int(column.sum()) for mask in matrices for column in mask.T]
    rows = [int(row) for mask in matrices for column in mask.T for row in np.flatnonzero(column)]
    # Something behind the last, which may be read but not used.
    dut = Bench([*counts, 9], [*rows, 9])
    commands, expected = [], []
    column = block = 0
    for mask in matrices:
        walks = int(rng.integers(1, 9))
        commands.append({"column": column, "columns": mask.shape[1] - 1, "block": block, "walks": walks - 1})
        expected += entries(mask, walks)
        column, block = column + mask.shape[1], block + int(mask.sum())
    received: list[Entry] = []
    when: list[int] = []

    async def feed(ctx: SimulatorContext) -> None:
        port = dut.walker.commands
        for command in commands:
            while rng.random() < idle:
                await ctx.tick()
            ctx.set(port.valid, 1)
            ctx.set(port.payload, command)
            await ctx.tick().until(port.ready)
            ctx.set(port.valid, 0)

    async def sink(ctx: SimulatorContext) -> None:
        port = dut.walker.entries
        held = None
        for cycle in range(5 * len(expected) + 1000):
            if len(received) == len(expected):
                break
            ctx.set(port.ready, rng.random() >= idle)
            _, _, valid, ready, payload = await ctx.tick().sample(port.valid, port.ready, port.payload)
            assert held is None or (valid and payload == held)
            held = payload if valid and not ready else None
            if valid and ready:
                fields = {name: getattr(payload, name) for name in Entry._fields}
                fields["row"] = None if payload.empty else payload.row
                received.append(Entry(**fields))
                when.append(cycle)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed, background=True)
    simulator.add_testbench(sink)
    simulator.run()
    assert received == expected
    assert len(received) > 500
    if not idle:
        # One in every cycle, whatever the pattern, from one command to the next too.
        assert when == list(range(when[0], when[0] + len(expected)))


def test_first_entry_comes_two_cycles_after_its_command() -> None:
    dut = Bench([1, 0], [3, 0])

    async def drive(ctx: SimulatorContext) -> None:
        await ctx.tick().repeat(3)
        ctx.set(dut.walker.commands.valid, 1)
        ctx.set(dut.walker.entries.ready, 1)
        seen = []
        for _ in range(4):
            _, _, valid = await ctx.tick().sample(dut.walker.entries.valid)
            ctx.set(dut.walker.commands.valid, 0)
            seen.append(valid)
        assert seen == [0, 0, 1, 0]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
