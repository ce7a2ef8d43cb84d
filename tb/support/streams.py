"""Streams in Amaranth's simulator: sources and sinks that idle at random, and check that offers are held."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Signal, Value
from amaranth.sim import Simulator, SimulatorContext

Bench = Callable[[SimulatorContext], Awaitable[None]]


def packed(values: np.ndarray, bits: int) -> int:
    """Return the values side by side in a word, the first lowest."""
    word = 0
    for index, value in enumerate(np.ravel(values).tolist()):
        word |= (value & (1 << bits) - 1) << index * bits
    return word


def unpacked(word: int, bits: int, count: int) -> list[int]:
    """Return ``count`` signed values of a word, the lowest first."""
    half = 1 << bits - 1
    return [((word >> index * bits & 2 * half - 1) ^ half) - half for index in range(count)]


def source(port: Any, payloads: Iterable[Any], rng: np.random.Generator, idle: float) -> Bench:
    """Return a bench that sends payloads; integers are their bits."""

    async def drive(ctx: SimulatorContext) -> None:
        for payload in payloads:
            while rng.random() < idle:
                await ctx.tick()
            ctx.set(port.valid, 1)
            ctx.set(Value.cast(port.payload) if isinstance(payload, int) else port.payload, payload)
            ready = False
            while not ready:
                _, _, ready = await ctx.tick().sample(port.ready)
            ctx.set(port.valid, 0)

    return drive


def sink(
    port: Any,
    count: int,
    received: list[Any],
    rng: np.random.Generator,
    idle: float,
    *,
    raw: bool = False,
    beside: Sequence[Signal] = (),
    when: list[int] | None = None,
    limit: int | None = None,
) -> Bench:
    """Return a bench that takes ``count`` payloads into ``received``, and sees that no more come.

    ``raw`` takes them as bits; ``beside`` are signals to sample with them, as a tuple; ``when`` gets their
    cycles. It gives up after ``limit`` cycles.
    """
    payload = Value.cast(port.payload) if raw else port.payload

    async def drive(ctx: SimulatorContext) -> None:
        held = None
        for cycle in range(limit or 10 * count + 1000):
            if len(received) == count:
                break
            ctx.set(port.ready, rng.random() >= idle)
            _, _, valid, ready, *words = await ctx.tick().sample(port.valid, port.ready, payload, *beside)
            word = tuple(words) if beside else words[0]
            assert held is None or (valid and word == held), "an offer was not held"
            held = word if valid and not ready else None
            if valid and ready:
                received.append(word)
                if when is not None:
                    when.append(cycle)
        ctx.set(port.ready, 1)
        for _ in range(20):
            _, _, valid = await ctx.tick().sample(port.valid)
            assert not valid, "more came than should"

    return drive


def simulate(dut: Elaboratable, bench: Bench, *background: Bench) -> None:
    """Run ``bench`` to its end on ``dut``, the others beside it."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for process in background:
        simulator.add_testbench(process, background=True)
    simulator.add_testbench(bench)
    simulator.run()
