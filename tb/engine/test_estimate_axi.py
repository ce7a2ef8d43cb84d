"""The AXI4 variant's estimate: small programs by hand, short cuts against none, what must not change it."""

import numpy as np
import pytest

from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import EngineSize, Layer
from tileloom_golden.estimate.axi import engine, plan, repetition
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.axi.processes import Network, Process
from tileloom_golden.estimate.engine import estimate

LAYERS = [
    (Layer.product(900, 24, 20), EngineSize(acc_tiles=2)),
    (Layer.product(1100, 40, 72), EngineSize()),
    (Layer.product(700, 9, 17), EngineSize(bus=64, acc_tiles=4)),
    (Layer(height=150, width=9, channels=16, outputs=12, kernel=(3, 3)), EngineSize(acc_tiles=4)),
]


@pytest.mark.parametrize(("kept", "cycles"), [(False, 43), (True, 46)], ids=["no block", "one block"])
def test_one_strip_by_hand(kept: bool, cycles: int) -> None:
    # A descriptor is asked for in 2, on AR in 3, on R from 4 to 7 and handed out in 8; the CONV's 7 later.
    # Its client asks for index and weights in 18; R has the WRITE's descriptor to 21, and then the entry.
    entry = 22 + 2
    token = entry + 1
    header = token + 4
    at_core = header + 1 + 2
    if kept:
        # 4 beats into the FIFO, 2 cycles through it; its tile is there before.
        at_core = header + 4 + 2
    row = at_core + 2 + 1
    # Four registers to the result; its beat on W, the answer on B, nothing is under way, and all is reset.
    assert row + 4 + 4 == cycles
    program = compile_layer(Layer.product(1, 1, 1))
    assert estimate(program, np.full((1, 1), kept), bus=Bus()).cycles == cycles


@pytest.mark.parametrize("density", [0, 0.5, 1])
def test_equal_groups_are_multiplied_exactly(
    density: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    skipped = []

    class Watched(repetition.Repetition):
        def note(self, end: int, times: list[int]) -> None:
            super().note(end, times)
            skipped.append(self.skipped)

    monkeypatch.setattr(plan, "Repetition", Watched)
    for layer, size in LAYERS:
        program = compile_layer(layer, size)
        mask = rng.random((-(-layer.channels // size.k), -(-layer.outputs // size.n))) < density
        bus = Bus(latency=int(rng.choice([1, 30])), base=64 * int(rng.integers(100)))
        skipped.clear()
        quick = estimate(program, mask, bus=bus)
        assert max(skipped) > 0, layer
        with monkeypatch.context() as patch:
            patch.setattr(repetition, "IN_FLIGHT", len(program.groups))
            assert estimate(program, mask, bus=bus) == quick, (layer, bus)


def test_the_order_of_the_processes_does_not_matter(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards(Network):
        def add(self, process: Process) -> None:
            super().add(process)
            self._waiting.insert(0, self._waiting.pop())

    for layer, size in LAYERS:
        program = compile_layer(layer, size)
        mask = rng.random((-(-layer.channels // size.k), -(-layer.outputs // size.n))) < 0.5
        found = estimate(program, mask, bus=Bus())
        with monkeypatch.context() as patch:
            patch.setattr(engine, "Network", Backwards)
            assert estimate(program, mask, bus=Bus()) == found


def test_a_slow_memory_costs_at_most_its_bursts(rng: np.random.Generator) -> None:
    for layer, size in LAYERS:
        program = compile_layer(layer, size)
        mask = rng.random((-(-layer.channels // size.k), -(-layer.outputs // size.n))) < 0.5
        cycles = [estimate(program, mask, bus=Bus(latency=latency)).cycles for latency in (1, 10, 40)]
        assert cycles == sorted(cycles) and cycles[0] < cycles[2]
        # A stream that never waits is no slower, but for what is between `start` and the first command.
        assert cycles[0] >= estimate(program, mask).cycles


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"latency": 0}, "latency is 0, not a positive integer"),
        ({"burst_beats": 12}, "burst_beats is 12, not a power of two"),
        ({"base": 100}, "base is 100, not a multiple of 64"),
    ],
)
def test_what_no_bus_has_is_named(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Bus(**fields)
