"""Round robin: which of several requests is next."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Arbiter(wiring.Component):
    """Chooses the first request behind the one that was served last, around the circle; at first request 0.

    ``requests`` (in) has a bit for each; ``ready`` (in) says that the one chosen is served in this cycle.
    ``chosen`` (out, the same cycle) has one bit set where there are requests. A request that was chosen and
    not served stays chosen. Each request that stays is served after one grant of each of the others at most.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__({"requests": In(count), "ready": In(1), "chosen": Out(count)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # Whoever is behind the last one served; before that, all. All ones and none are the same.
        behind = Signal(self.count)
        first, below = Signal(self.count), Signal(self.count)
        m.d.comb += [
            first.eq(Mux((self.requests & behind).any(), self.requests & behind, self.requests)),
            self.chosen.eq(first & -first),
            below.eq(self.chosen - 1),
        ]
        with m.If(self.requests.any()):
            m.d.sync += behind.eq(~below & ~Mux(self.ready, self.chosen, 0))
        return m


def selected(chosen: Value, values: Iterable[ValueLike]) -> Value:
    """Return the value whose bit is set in ``chosen``, or 0; at most one bit is."""
    return any_of(Mux(bit, value, 0) for bit, value in zip(chosen, values, strict=True))


def any_of(values: Iterable[ValueLike]) -> Value:
    """Return the OR of values."""
    return functools.reduce(operator.or_, map(Value.cast, values))
