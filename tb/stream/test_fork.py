"""The fork: every taker has every payload that is for it, once and in order, and none waits for more."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from support.streams import simulate, sink, source
from tileloom.stream.fork import Fork

WIDTH = 8


class Broadcast(wiring.Component):
    """A fork with its streams: the upper bits of a payload say whom it is for."""

    def __init__(self, takers: int) -> None:
        self.takers = takers
        members = {f"outgoing_{index}": Out(stream.Signature(WIDTH)) for index in range(takers)}
        super().__init__({"incoming": In(stream.Signature(WIDTH + takers)), **members})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.fork = fork = Fork(self.takers)
        m.d.comb += [
            fork.valid.eq(self.incoming.valid),
            self.incoming.ready.eq(fork.ready),
            fork.to.eq(self.incoming.payload[WIDTH:]),
        ]
        for index in range(self.takers):
            port = getattr(self, f"outgoing_{index}")
            m.d.comb += [
                port.payload.eq(self.incoming.payload[:WIDTH]),
                port.valid.eq(fork.offers[index]),
                fork.readies[index].eq(port.ready),
            ]
        return m


@pytest.mark.parametrize("takers", [2, 5])
def test_every_taker_has_its_payloads(takers: int, rng: np.random.Generator) -> None:
    words = rng.integers(1 << WIDTH + takers, size=200).tolist()
    expected = [
        [word % (1 << WIDTH) for word in words if word >> WIDTH + index & 1] for index in range(takers)
    ]
    dut = Broadcast(takers)
    received: list[list[int]] = [[] for _ in range(takers)]
    first, *others = (
        sink(
            getattr(dut, f"outgoing_{index}"),
            len(expected[index]),
            received[index],
            rng,
            float(rng.choice([0.2, 0.5])),
            limit=3000,
        )
        for index in range(takers)
    )

    async def all_of_it(ctx) -> None:
        await first(ctx)
        await ctx.tick().repeat(1000)

    simulate(dut, all_of_it, *others, source(dut.incoming, words, rng, 0.2))
    assert received == expected


def test_no_cycle_is_lost(rng: np.random.Generator) -> None:
    """Takers that are always ready have a payload in every cycle."""
    dut = Broadcast(3)
    words = [7 << WIDTH | word for word in range(50)]
    when: list[int] = []
    received: list[int] = []
    ready = [sink(getattr(dut, f"outgoing_{index}"), 50, [], rng, 0.0) for index in (1, 2)]
    simulate(
        dut,
        sink(dut.outgoing_0, 50, received, rng, 0.0, when=when),
        *ready,
        source(dut.incoming, words, rng, 0.0),
    )
    assert received == list(range(50))
    assert when[-1] - when[0] == 49
