"""Transfers and actions in closed form against counters in the RTL: handshakes, registers, memory ports.

Counters are the bench's: cycles in which signals of a wave file are high (`support.vcd`).
"""

from pathlib import Path

import numpy as np
import pytest

from engine.layers import make_case, random_case
from engine.test_activation_mask import MASKED
from support.seed import SEED
from support.vcd import Signals, count_cycles
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate as generate_engine
from tileloom.families import load
from tileloom.systolic.config import Port
from tileloom.systolic.design import generate
from tileloom_explore.cost import Run
from tileloom_explore.engine.cost import engine_cost
from tileloom_explore.systolic.cost import array_cost
from tileloom_golden.engine.layer import Layer
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.tiles import split_tiles
from tileloom_golden.words import encode
from tileloom_sim.engine.harness import run_layers
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.gemm import simulate_gemm


def handshakes(*streams: str) -> dict[str, Signals]:
    """Return the counters of transfers on ports."""
    return {name: (f"TOP.{name}_valid", f"TOP.{name}_ready") for name in streams}


@pytest.mark.parametrize(
    ("preset", "rows", "columns"),
    [
        ("stream-8x8-int8", 2, 1),  # as in test_command, whose simulator can write waves anyway
        pytest.param("stream-8x8-int8", 3, 4, marks=pytest.mark.long),
        pytest.param("sasp-8x8-int8", 3, 5, marks=pytest.mark.long),
        pytest.param("sasp-8x8-fp32", 4, 2, marks=pytest.mark.long),
    ],
)
def test_an_array(preset: str, rows: int, columns: int, tmp_path: Path) -> None:
    config = load(preset, rows=rows, columns=columns)
    design, rng = generate(config), np.random.default_rng(SEED)
    for number in range(3):
        vectors, k, n = (int(rng.integers(1, 20)) for _ in range(3))
        w = rng.integers(1, 128, (k, n)).astype(np.int8)
        kept = rng.random((-(-k // rows), -(-n // columns))) < 0.7
        kept[0, 0] = True
        w *= np.repeat(np.repeat(kept, rows, axis=0), columns, axis=1)[:k, :n]
        x = encode(rng.normal(size=(vectors, k)), reference.float_format(config.activation))
        number_format = reference.float_format(config.weight) if "fp32" in preset else None
        words = encode(w.astype(float), number_format) if number_format else sign_magnitude(w)
        waves = tmp_path / f"{number}.vcd"
        simulate_gemm(design, x, words, waves=waves)
        tiles = split_tiles(w != 0, rows, columns).any(axis=(2, 3))
        cost = array_cost(config, [Run(Layer.product(vectors, k, n), tiles, 1)])
        signals = handshakes(*cost.transfers) | {"weights_written": "*.row_?.element_?.weight_write"}
        if config.double_buffer:
            signals["weights_swapped"] = "*.row_?.element_?.swap_in"
        found, counted = count_cycles(waves, "TOP.clk", signals), dict(cost.actions)
        taken = found["activations"] // (1 if config.port is Port.STREAM else rows)
        assert counted.pop("multiplications") == taken * rows * columns
        assert found == {**cost.transfers, **counted}, (vectors, k, n)
        assert found["weights_written"] == tiles.sum() * rows * columns


MEMORIES: dict[str, Signals] = {
    "a_buffer_written": "*.a_buffer.half_?_bank_?.write",
    "a_buffer_read": "*.a_buffer.half_?_bank_?.read",
    "accumulators_written": "*.accumulators.half_?.write",
    "accumulators_read": "*.accumulators.half_?.read",
    "blocks_taken": "*.array.core.take",
    "tiles": "*.array.core.valid",
}


@pytest.mark.long
@pytest.mark.parametrize(
    "config",
    [EngineConfig(m=2, k=2, n=2, bus=64, a_words=32, acc_tiles=4, weight_beats=4), MASKED],
    ids=["blocks", "masks"],
)
def test_an_engine(config: EngineConfig, tmp_path: Path) -> None:
    design, rng = generate_engine(config), np.random.default_rng(SEED)
    cases = [random_case(config, rng, 5, 12, tiles=0.5) for _ in range(8)]
    masks = [rng.random((-(-20 // config.k), -(-24 // config.n))) < share for share in (0.3, 0.8)]
    cases += [make_case(config, Layer.product(40, 20, 24), mask, rng, tiles=0.4) for mask in masks]
    for number, case in enumerate(cases):
        waves = tmp_path / f"{number}.vcd"
        run_layers(design, [case.streams], waves=waves)
        cost = engine_cost(config, [Run(case.program.layer, case.weights.mask, 1)], case.activations)
        found = count_cycles(waves, "TOP.clk", handshakes(*cost.transfers) | MEMORIES)
        found["multiplications"] = found.pop("tiles") * config.m * config.k * config.n
        assert found == {**cost.transfers, **cost.actions}, case.program.layer
    skipped = [engine_cost(config, [Run(case.program.layer, case.weights.mask, 1)]) for case in cases[-2:]]
    if config.activation_mask:
        assert cost.actions["multiplications"] < skipped[-1].actions["multiplications"]
