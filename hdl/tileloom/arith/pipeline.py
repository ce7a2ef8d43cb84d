"""Pipeline registers at named cut points of a datapath."""

from __future__ import annotations

from typing import TypeVar

from amaranth.hdl import Module, Signal, Value

SignalType = TypeVar("SignalType", bound=Value)


def register(m: Module, enable: Value, value: SignalType, name: str) -> SignalType:
    """Return a register that follows ``value`` in every cycle in which ``enable`` is high.

    It has no reset: what is in a datapath before the first valid word is never looked at.
    """
    held = Signal.like(value, name=name, reset_less=True)
    with m.If(enable):
        m.d.sync += held.eq(value)
    return held
