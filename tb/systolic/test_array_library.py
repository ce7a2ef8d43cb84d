"""Products by the C library of the array: any size, tiles left out, both arrangements, bit for bit."""

import numpy as np
import pytest

import tileloom
from support.long import few
from support.seed import SEED
from tileloom_golden.estimate.coprocessor import array_cycles
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.tiles import kept_tiles
from tileloom_sim.riscv.run import SASP_CACHES, Conditions, Waits
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.array_library import Arrangement, run_array

pytest.importorskip(
    "pythondata_cpu_cv32e40p", reason="the cores are not installed: pip install 'tileloom[xfu]'"
)

HOSTS = few(("cv32e40p", "cv-x-if"))
# Steps of a vector: 8, of which 4 have an activation. It is built for other tests too.
FIELDS = {"columns": 8, "double_buffer": True}


def array(host="cv32e40p", **fields):
    return tileloom.load("sasp-4x4-int8", host=host, **FIELDS | fields)


def drawn(config, shape, *, zeros=0.3, seed=SEED):
    """Return X whose products cancel, and W of every value with whole tiles of zeros, as words."""
    m, k, n = shape
    random = np.random.default_rng(seed)
    x = (random.normal(size=(m, k)) * 2.0 ** random.integers(-12, 13, (m, k))).astype(np.float32)
    if config.weight.width == 32:
        w = random.normal(size=(k, n)).astype(np.float32).view(np.uint32).astype(np.uint64)
    else:
        w = random.integers(0, 1 << config.weight.width, (k, n)).astype(np.uint64)
    r, c = config.rows, config.columns
    dead = random.random((-(-k // r), -(-n // c))) < zeros
    w[np.kron(dead, np.ones((r, c), bool))[:k, :n]] = 0
    return x.view(np.uint32).astype(np.uint64), w


def golden(config, x, w):
    how = reference.arithmetic(config)
    return gemm(x, w, rows=config.rows, columns=config.columns, host_adds_tiles=True, **how).tolist()


@pytest.mark.parametrize("arrangement", Arrangement)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 4, 8), (7, 13, 11), (5, 33, 40)], ids=str)
@pytest.mark.parametrize("host", HOSTS)
def test_products_of_any_size(host, shape, arrangement):
    config = array(host)
    x, w = drawn(config, shape)
    assert run_array(config, x, w, arrangement=arrangement).results.tolist() == golden(config, x, w)


@pytest.mark.parametrize(
    "fields",
    [
        {"rows": 4, "columns": 4, "double_buffer": False},
        {"rows": 8, "columns": 8},
        {"rows": 5, "columns": 2, "weight": "int5", "rounding": "nearest-even"},
        {"rows": 4, "columns": 4, "weight": "fp32"},
    ],
    ids=str,
)
@pytest.mark.long
def test_other_arrays(fields):
    config = array(**fields)
    for shape in ((3, 9, 14), (6, 40, 10)):
        x, w = drawn(config, shape)
        assert run_array(config, x, w).results.tolist() == golden(config, x, w)


def test_tiles_of_zeros_cost_next_to_nothing():
    config = array()
    x, w = drawn(config, (8, 32, 32), zeros=0.5)
    skipped, computed = run_array(config, x, w), run_array(config, x, w, skip_zero_tiles=False)
    assert skipped.results.tolist() == computed.results.tolist() == golden(config, x, w)
    kept = kept_tiles(w, config.rows, config.columns, reference.operand_format(config.weight))
    per_tile = (computed.cycles - skipped.cycles) / (~kept).sum()
    assert per_tile > 0.9 * 8 * 8 * 4  # vectors x words x cycles a word
    nothing = run_array(config, x, np.zeros_like(w))
    assert not nothing.results.any()
    assert nothing.cycles < 0.25 * computed.cycles


def test_waits_and_caches_change_no_word_and_cost_cycles():
    config = array()
    x, w = drawn(config, (6, 16, 24))
    slow = Conditions(data_waits=Waits(grant=1, response=3), random_seed=SEED)
    runs = [run_array(config, x, w, conditions=each) for each in (None, slow, Conditions(caches=SASP_CACHES))]
    assert all(run.results.tolist() == golden(config, x, w) for run in runs)
    assert runs[0].cycles < runs[1].cycles
    assert runs[0].cycles < runs[2].cycles


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.long)])
def test_cycles_are_those_of_the_model(count):
    """Within 1 % over random layers; -s prints the largest difference."""
    config, random = array(), np.random.default_rng(SEED)
    worst = 0.0
    for index in range(count):
        m, k, n = (int(random.integers(least, 48)) for least in (4, 8, 8))
        arrangement = list(Arrangement)[index % 2]
        x, w = drawn(config, (m, k, n), zeros=float(random.choice([0, 0.25, 0.6])), seed=index)
        found = run_array(config, x, w, arrangement=arrangement).cycles
        expected = array_cycles(
            kept_tiles(w, config.rows, config.columns, reference.operand_format(config.weight)),
            m,
            steps=config.step_interval,
            columns=config.columns,
            weight_words=config.rows * -(-config.columns // config.weights_per_word),
            row_major=arrangement is Arrangement.ROWS,
        )
        worst = max(worst, abs(expected / found - 1))
        assert expected == pytest.approx(found, rel=0.01), (m, k, n, arrangement)
    print(f"{count} random layers: model within {worst:.2%} of RTL")


def test_the_library_takes_as_many_cycles_a_word_as_its_loops_have_instructions():
    """4 for a word with a sum from memory, 3 of the first tile along k; weights and calls on top."""
    config = array()
    x, w = drawn(config, (64, 8, 8), zeros=0)
    run = run_array(config, x, w)
    assert 64 * 8 * 7 < run.cycles < 1.2 * 64 * 8 * 7
