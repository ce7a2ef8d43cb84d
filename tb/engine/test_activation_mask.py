"""Both sides sparse: bit for bit whatever is zero, and faster."""

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom_golden.engine.program import Layer

from .layers import compare_cycles, make_case, random_case, run_cases

MASKED = EngineConfig(
    m=4, k=4, n=4, bus=64, a_words=64, acc_tiles=8, weight_beats=8, drain_rows=4, activation_mask=True
)


@pytest.mark.parametrize("stalled", [False, True], ids=["flowing", "stalled"])
def test_random_layers(stalled: bool, rng: np.random.Generator) -> None:
    cases = [
        random_case(MASKED, rng, 9, 40, stalled=stalled, tiles=float(rng.choice([0, 0.1, 0.5, 0.9, 1])))
        for _ in range(100)
    ]
    runs = run_cases(generate(MASKED), cases)
    if not stalled:
        assert compare_cycles(cases, runs) >= 30
    masked = sum(slots[0] & 1 << 11 != 0 for case in cases for slots in case.program.commands())
    assert masked >= 20
    assert sum(case.program.splits["channels"] > 1 for case in cases) >= 3


def test_a_tile_of_zeros_takes_no_cycle(rng: np.random.Generator) -> None:
    # Strips of 8 tiles of 4 pixels. A block's weights take 3 cycles: no more is gained from fewer tiles.
    layer, mask = Layer.product(256, 32, 128), np.ones((8, 32), np.bool_)
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    runs = run_cases(generate(MASKED), [make_case(MASKED, layer, mask, rng, tiles=share) for share in shares])
    cycles = [run.cycles for run in runs]
    print(dict(zip(shares, cycles, strict=True)))
    assert cycles == sorted(cycles) and cycles[1] < 0.5 * cycles[-1]
