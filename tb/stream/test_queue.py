"""The queue: a payload in every cycle, as many as its depth, in order."""

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import simulate, sink, source
from tileloom.stream.queue import Queue

DEPTHS = (1, 2, 3, 4, 16)

kinds = pytest.mark.parametrize("buffered", [False, True], ids=["plain", "buffered"])
depths = pytest.mark.parametrize("depth", DEPTHS)


@kinds
@depths
@pytest.mark.parametrize("idle", [0.0, 0.5], ids=["flowing", "stalled"])
def test_order_and_throughput(depth: int, buffered: bool, idle: float, rng: np.random.Generator) -> None:
    words = rng.integers(0, 1 << 16, 200).tolist()
    dut = Queue(16, depth, buffered=buffered)
    received: list[int] = []
    when: list[int] = []
    simulate(
        dut,
        sink(dut.outgoing, len(words), received, rng, idle, when=when),
        source(dut.incoming, words, rng, idle),
    )
    assert received == words
    if not idle:
        assert when == list(range(when[0], when[0] + len(words)))


@kinds
@depths
def test_room(depth: int, buffered: bool, rng: np.random.Generator) -> None:
    """Who counts what is within, as the AXI4 read clients do, never finds it full before ``depth``."""
    dut = Queue(16, depth, buffered=buffered)

    async def drive(ctx: SimulatorContext) -> None:
        within = taken = 0
        for cycle in range(2000):
            # In turn filled as fast as it goes, emptied as fast, and both.
            fills, empties = ((1, 0), (0, 1), (1, 1), (0.5, 0.5))[cycle // 50 % 4]
            # As a read client: what leaves in this cycle makes room for the next.
            sends = within < depth and rng.random() < fills
            ctx.set(dut.incoming.valid, sends)
            ctx.set(dut.outgoing.ready, rng.random() < empties)
            _, _, ready, valid, leaves, empty = await ctx.tick().sample(
                dut.incoming.ready, dut.outgoing.valid, dut.outgoing.ready, dut.empty
            )
            assert empty == (within == 0)
            assert not valid or within
            assert ready or not sends
            assert within < depth or not ready or (depth == 1 and leaves)
            taken += sends
            within += int(sends) - int(valid and leaves)
        assert taken > 300

    simulate(dut, drive)
