"""Weights that the core makes of what was computed: bit for bit the golden model's, and how long it takes."""

import numpy as np
import pytest

import tileloom
from support.seed import SEED
from tileloom.errors import ConfigError
from tileloom_golden.estimate.quantise import quantise_cycles
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.quantise import quantise_by_power
from tileloom_sim.systolic.computed import run_computed

from .test_array_library import FIELDS, array, golden

pytest.importorskip(
    "pythondata_cpu_cv32e40p", reason="the cores are not installed: pip install 'tileloom[xfu]'"
)


def check(config, x, matrix, turned):
    run = run_computed(config, x, matrix, turned=turned)
    made = quantise_by_power(matrix.T if turned else matrix)
    assert run.power == made.scale
    expected = golden(config, x.view(np.uint32).astype(np.uint64), sign_magnitude(made.integers, 8))
    assert run.product.results.tolist() == expected
    return run


def drawn(random, shape, largest, power=0):
    """Return a matrix whose first column has the largest word, ties, and what is as good as nothing."""
    matrix = random.normal(size=shape)
    matrix[:, 0] = np.resize([largest, -126.5, 0.5, -1.5, 2.5, 0, 63.5, 1e-40], shape[0])
    return (matrix * 2.0**power).astype(np.float32)


# From 127.5 on the largest word would round to 128.
SIZES = ((3, 8, 8, 127.4, 0), (5, 16, 24, 127.5, -60), (4, 24, 16, -127.9, 90))


@pytest.mark.parametrize("turned", [False, True])
def test_words_are_those_of_the_golden_model(turned):
    config, random = array(), np.random.default_rng(SEED)
    for m, k, n, largest, power in SIZES:
        matrix = drawn(random, (n, k) if turned else (k, n), largest, power)
        check(config, random.normal(size=(m, k)).astype(np.float32), matrix, turned)


@pytest.mark.parametrize("turned", [False, True])
def test_cycles_are_those_of_the_model(turned):
    config, random = array(), np.random.default_rng(SEED)
    for vectors, length in ((8, 16), (24, 40)):
        matrix = random.normal(size=(vectors, length)).astype(np.float32)
        x = random.normal(size=(2, length if turned else vectors)).astype(np.float32)
        expected = quantise_cycles(vectors, length, rows=4, columns=8, turned=turned)
        found = run_computed(config, x, matrix, turned=turned)
        assert expected == pytest.approx(found.quantising, rel=0.01)
        assert found.quantising < found.product.cycles


@pytest.mark.long
def test_a_core_without_fpu_makes_the_same():
    config, random = array("cv-x-if"), np.random.default_rng(SEED)
    for turned in (False, True):
        for largest in (127.4, 127.5):
            matrix = drawn(random, (16, 16), largest)
            check(config, random.normal(size=(3, 16)).astype(np.float32), matrix, turned)


def test_arrays_and_sizes_that_are_refused():
    x = np.ones((2, 8), np.float32)
    for fields in ({"weight": "fp32"}, {"rows": 5}, {"rows": 8, "columns": 4}):
        config = tileloom.load("sasp-4x4-int8", host="cv32e40p", **FIELDS | fields)
        with pytest.raises(ConfigError, match="weights are made of activations for int8"):
            run_computed(config, x, np.ones((8, 8), np.float32), turned=False)
    for shape, turned in (((6, 8), False), ((8, 12), False), ((12, 8), True)):
        with pytest.raises(ValueError, match="no multiple of 4 x 8"):
            run_computed(array(), x, np.ones(shape, np.float32), turned=turned)
    with pytest.raises(ValueError, match="rows is 0"):
        quantise_cycles(8, 8, rows=0, columns=8, turned=False)
