"""At least 500 random layers through the RTL, every port stalled: bit for bit; nothing lost or hanging."""

from collections import Counter

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate

from .layers import Case, random_case, run_cases

SMALL = EngineConfig(m=4, k=4, n=4, bus=64, a_words=64, acc_tiles=8, weight_beats=8)


@pytest.mark.parametrize(
    ("config", "count", "largest", "channels"),
    [(EngineConfig(), 250, 10, 48), (SMALL, 270, 9, 40)],
    ids=["default", "small"],
)
def test_random_layers(
    config: EngineConfig, count: int, largest: int, channels: int, rng: np.random.Generator
) -> None:
    cases = [random_case(config, rng, largest, channels, stalled=True) for _ in range(count)]
    runs = run_cases(generate(config), cases)
    assert sum(len(run.results) for run in runs) == sum(len(case.units) for case in cases) >= 10_000
    seen = Counter(kind for case in cases for kind in kinds(case))
    print(dict(seen))
    for kind in ("no block", "one block", "dense", "empty column", "padded", "strided", "repeated"):
        assert seen[kind] >= 15, (kind, seen)
    if config is SMALL:
        assert seen["channels split"] >= 15


def kinds(case: Case) -> list[str]:
    """Return what is special about a layer."""
    layer, counts = case.program.layer, case.weights.counts
    special = {
        "no block": not counts.any(),
        "one block": counts.sum() == 1,
        "dense": case.weights.density == 1,
        "empty column": counts.any() and (counts == 0).any(),
        "padded": any(layer.pads),
        "strided": layer.stride > 1,
        "channels split": case.program.splits["channels"] > 1,
        "repeated": any(slots[1] > 1 for slots in case.program.commands()),
    }
    return [kind for kind, present in special.items() if present]
