"""What an encoder has between its products: near what it means, and the same bits on the core."""

import numpy as np
import pytest

import tileloom
from support.seed import SEED
from tileloom.errors import ConfigError
from tileloom_golden.estimate import between as estimate
from tileloom_golden.systolic import between
from tileloom_sim.systolic.between import Operation, run_between

from .test_array_library import array

CYCLES = {
    Operation.SOFTMAX: estimate.softmax_cycles,
    Operation.NORMALISE: estimate.normalise_cycles,
    Operation.RECTIFY: estimate.rectify_cycles,
    Operation.RESIDUAL: estimate.residual_cycles,
}


def golden(operation, x, other, numbers):
    if operation is Operation.SOFTMAX:
        return between.softmax(x, *numbers)
    if operation is Operation.NORMALISE:
        return between.normalise(x, numbers[0])
    return between.rectify(x) if operation is Operation.RECTIFY else x + other


def test_softmax_is_near_what_it_means(rng):
    scores = (rng.normal(size=(30, 50)) * 10 ** rng.uniform(-3, 2, (30, 1))).astype(np.float32)
    for scale, power in ((0.125, 1.0), (2.0, 0.25)):
        exact = np.exp2((scores - scores.max(1, keepdims=True)).astype(np.float64) * scale)
        exact *= power / exact.sum(1, keepdims=True)
        found = between.softmax(scores, scale, power)
        # What is scaled is rounded before it is an exponent: the error grows with that.
        size = 1e-5 + np.abs(scores).max(1, keepdims=True) * scale * 2.0**-23
        assert (np.abs(found - exact) <= exact * size + 1e-36).all()
        # A power of two rounds nothing but subnormal numbers.
        whole = between.softmax(scores, scale)
        assert np.array_equal((found / np.float32(power))[whole > 1e-36], whole[whole > 1e-36])


def test_normalisation_is_near_what_it_means(rng):
    vectors = (rng.normal(size=(20, 64)) * 3 + rng.normal(size=(20, 1))).astype(np.float32)
    exact = vectors.astype(np.float64)
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    assert np.abs(between.normalise(vectors) - exact).max() < 1e-5
    # Nothing to normalise: a variance that rounding has below 0 is none.
    assert np.isfinite(between.normalise(np.full((2, 10), 1.1, np.float32))).all()
    assert between.rectify(np.array([[-1, -0.0, 2]], np.float32)).tobytes() == b"\0" * 8 + b"\0\0\0@"


def test_what_is_refused():
    for function in (lambda x: between.softmax(x, 1), between.normalise, between.rectify):
        with pytest.raises(ValueError, match="dtype float64, not float32"):
            function(np.ones((2, 2)))
        with pytest.raises(ValueError, match="has an element that is NaN or infinite"):
            function(np.full((1, 1), np.inf, np.float32))
    with pytest.raises(ValueError, match="length is 0"):
        estimate.softmax_cycles(1, 0, columns=8)
    for fields in ({"rows": 8, "columns": 4}, {"host": "cv-x-if"}, {"rows": 2, "columns": 6}):
        with pytest.raises(ConfigError, match="columns that are a multiple of 4"):
            config = tileloom.load("sasp-4x4-int8", **{"host": "cv32e40p"} | fields)
            run_between(config, Operation.RECTIFY, np.ones((8, 8), np.float32))
    with pytest.raises(ValueError, match="no multiple of 8 columns"):
        run_between(array(), Operation.RECTIFY, np.ones((8, 12), np.float32))


@pytest.mark.parametrize("operation", Operation, ids=lambda each: each.name.lower())
def test_the_core_gives_the_same_in_as_many_cycles_as_said(operation):
    pytest.importorskip("pythondata_cpu_cv32e40p", reason="the core is not installed")
    random = np.random.default_rng(SEED)
    numbers = {Operation.SOFTMAX: (1.7, 0.125), Operation.NORMALISE: (1e-5, 0.0)}.get(operation, (0.0, 0.0))
    for vectors, length in ((3, 16), (7, 40)):
        # Scores far apart: 2^x is too small for a number.
        x = (random.normal(size=(vectors, length)) * 40).astype(np.float32)
        x[0, :3] = 0, -0.0, -400
        other = random.normal(size=x.shape).astype(np.float32)
        run = run_between(array(), operation, x, other=other, numbers=numbers)
        wanted = golden(operation, x, other, numbers)
        assert run.results.tobytes() == wanted.astype(np.float32).tobytes()
        assert run.cycles == pytest.approx(CYCLES[operation](vectors, length, columns=8), rel=0.01)
