"""Models of cycles against RTL: software alone."""

import numpy as np
import pytest

from tileloom_golden.estimate.software import blocked_cycles, plain_cycles
from tileloom_sim.systolic.software import Method, run_software

MODELS = {Method.BLOCKED: blocked_cycles, Method.PLAIN: plain_cycles}


def layers(count, most, seed):
    random = np.random.default_rng(seed)
    return [tuple(int(random.integers(least, most)) for least in (4, 8, 6)) for _ in range(count)]


@pytest.mark.parametrize("integers", [False, True], ids=["fp32", "int8"])
@pytest.mark.parametrize(
    ("method", "most"), [(Method.BLOCKED, 36), (Method.PLAIN, 24)], ids=["blocked", "plain"]
)
def test_software_takes_what_its_model_says(method, most, integers):
    random = np.random.default_rng(2)
    for m, k, n in layers(6, most, seed=integers):
        x = random.normal(size=(m, k)).astype(np.float32)
        w = (
            random.integers(-127, 128, (k, n), np.int8)
            if integers
            else random.normal(size=(k, n)).astype("f4")
        )
        expected = MODELS[method](m, k, n, integers=integers)
        assert run_software(method, x, w).cycles == pytest.approx(expected, rel=0.01), (m, k, n)


def test_sizes_are_checked():
    for model in MODELS.values():
        with pytest.raises(ValueError, match="k"):
            model(1, 0, 1, integers=False)
