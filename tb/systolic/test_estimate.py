"""The closed form of an array's cycles is the RTL's count, with tiles of zeros and few or many vectors."""

from typing import Any

import numpy as np
import pytest

from support.seed import SEED
from tileloom.families import load
from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import generate, timing
from tileloom_golden.estimate.systolic import cycles
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.tiles import kept_tiles
from tileloom_golden.words import encode
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.gemm import simulate_gemm

SHAPES = ((1, 8, 8), (3, 20, 11), (40, 17, 24), (7, 64, 8))


def compare(name: str, fields: dict[str, Any]) -> None:
    config = load(name, **fields)
    assert isinstance(config, SystolicConfig)
    design, figures = generate(config), timing(config)
    rng = np.random.default_rng(SEED)
    for m, k, n in SHAPES:
        x = encode(rng.normal(size=(m, k)), reference.float_format(config.activation))
        weights = rng.integers(1, 128, (k, n))
        tiles = rng.random((-(-k // config.rows), -(-n // config.columns))) < 0.7
        tiles[0, 0] = True
        mask = tiles.repeat(config.rows, 0).repeat(config.columns, 1)[:k, :n]
        w = sign_magnitude(np.where(mask, weights, 0))
        kept = kept_tiles(w, config.rows, config.columns, reference.operand_format(config.weight))
        estimated = cycles(
            kept,
            m,
            interval=figures["cycles_per_vector"],
            latency=figures["latency_cycles"],
            released=figures["weights_released_after_cycles"],
            weight_transfers=figures["weight_transfers_per_tile"],
            double_buffer=config.double_buffer,
            psum_in=config.port is Port.STREAM,
        )
        assert simulate_gemm(design, x, w).cycles == estimated, (m, k, n)


def test_cycles() -> None:
    compare("stream-8x8-int8", {})


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("sasp-8x8-int8", {}),
        (
            "stream-8x8-int8",
            {"rows": 3, "columns": 5, "double_buffer": False, "step_interval": 2, "add_stages": 2},
        ),
        ("sasp-4x4-int8", {"rows": 3, "columns": 5, "double_buffer": True}),
        ("stream-8x8-int8", {"rows": 2, "columns": 7, "multiply_stages": 3, "step_interval": 4}),
    ],
)
def test_cycles_of_other_arrays(name: str, fields: dict[str, Any]) -> None:
    compare(name, fields)


def test_nothing_kept_takes_no_cycle() -> None:
    options = {"interval": 1, "latency": 5, "released": 3, "weight_transfers": 4}
    kept = np.zeros((2, 3), np.bool_)
    assert cycles(kept, 7, **options, double_buffer=True, psum_in=True) == 0
    with pytest.raises(ValueError, match="vectors"):
        cycles(kept, 0, **options, double_buffer=True, psum_in=True)
