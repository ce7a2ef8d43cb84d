"""Whose turn it is among several that ask."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Signal, Value


def in_turn(m: Module, served: Signal, asking: Sequence[Value]) -> tuple[Signal, Value]:
    """Return the first that asks after the one that was served last, and whether it does.

    ``served`` and what is returned are places in ``asking``, of a bit each; where none asks it is the first.
    """
    chosen = Signal(range(len(asking)), name="chosen")
    asks = Array(asking)
    with m.Switch(served):
        for last in range(len(asking)):
            with m.Case(last):
                order = [(last + 1 + index) % len(asking) for index in range(len(asking))]
                for client in reversed(order):
                    with m.If(asks[client]):
                        m.d.comb += chosen.eq(client)
    return chosen, asks[chosen]
