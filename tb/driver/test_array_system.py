"""The driver in C of arrays on the RISC-V system: a core runs products, whose data DMA channels move."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tileloom.formats import BF16, FP8_E5M2, FP16, Format, SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.gemm import gemm
from tileloom_sim.riscv.run import Conditions, Waits
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.system import Happening, Outcome, Product, ProductRun, run_products

from .designs import FLOAT_ARRAY as ARRAY

# Words of 32 and 5 bits: transfers of 160 and 25, which are no whole bytes and no powers of two.
SINGLE = replace(ARRAY, rows=5, columns=5, weight=SignMagnitude(5), double_buffer=False)
FLOATS = replace(
    ARRAY, rows=4, columns=1, activation=FP16, weight=FP8_E5M2, accumulator=BF16, step_interval=2
)
HOSTILE = Conditions(
    instruction_waits=Waits(grant=2, response=1),
    data_waits=Waits(grant=3, response=3),
    random_seed=5,
    stream_waits=(0.5, 0.4, 0.6, 0.3),
    master_seed=7,
)

OVERHEAD = 100
"""Cycles of the core that a start may take."""


def random_floats(rng: np.random.Generator, shape: tuple[int, ...], of: Format) -> np.ndarray:
    """Return words of ordinary numbers: no infinity, signs and exponents of all kinds around 1."""
    fraction, exponent = of.fraction_bits, of.exponent_bits
    bias = (1 << (exponent - 1)) - 1
    words = rng.integers(0, 1 << fraction, shape, np.uint64)
    words |= rng.integers(bias - 2, bias + 3, shape, np.uint64) << np.uint64(fraction)
    return words | rng.integers(0, 2, shape, np.uint64) << np.uint64(fraction + exponent)


def product(rng: np.random.Generator, config: SystolicConfig, m: int, k: int, n: int, **how: Any) -> Product:
    """Return a product of which some tiles of weights are zero."""
    x = random_floats(rng, (m, k), config.activation)
    if isinstance(config.weight, SignMagnitude):
        most = (1 << config.weight.bits - 1) - 1
        w = rng.integers(-most, most + 1, (k, n))
    else:
        w = random_floats(rng, (k, n), config.weight)
    for i in range(0, k, config.rows):
        for j in range(0, n, config.columns):
            if rng.random() < 0.3:
                w[i : i + config.rows, j : j + config.columns] = 0
    return Product(x=x, w=w, **how)


def check(config: SystolicConfig, asked: Product, run: ProductRun) -> None:
    """Compare results with the golden model, bit by bit, and counters with the tiles that were run."""
    assert (run.no_room, run.laid_out, run.ran) == (Outcome.MEMORY, Outcome.OK, Outcome.OK)
    integer = isinstance(config.weight, SignMagnitude)
    w = sign_magnitude(asked.w, config.weight.bits) if integer else asked.w
    expected = gemm(
        asked.x,
        w,
        rows=config.rows,
        columns=config.columns,
        host_adds_tiles=False,
        **reference.arithmetic(config),
    )
    np.testing.assert_array_equal(run.y, expected)
    (m, k), n = asked.x.shape, asked.w.shape[1]
    tiles = -(-k // config.rows) * -(-n // config.columns)
    assert run.results_taken == m * (tiles - run.tiles_skipped)


SIZES = [(1, 1, 1), (7, 5, 8), (3, 9, 2), (12, 4, 7), (2, 2, 3), (5, 13, 11)]


@pytest.mark.parametrize(
    ("config", "conditions"),
    [
        pytest.param(ARRAY, Conditions(), id="flowing"),
        pytest.param(ARRAY, HOSTILE, id="waiting"),
        pytest.param(SINGLE, HOSTILE, id="single", marks=pytest.mark.long),
        pytest.param(FLOATS, HOSTILE, id="floats", marks=pytest.mark.long),
    ],
)
def test_products(config: SystolicConfig, conditions: Conditions, rng: np.random.Generator) -> None:
    """By polling and with interrupts in turn."""
    asked = [product(rng, config, *sizes, interrupts=bool(i % 2)) for i, sizes in enumerate(SIZES)]
    asked.append(replace(asked[1], w=np.zeros_like(asked[1].w)))
    runs = run_products(generate(config), config, asked, conditions=conditions)
    for one, run in zip(asked, runs, strict=True):
        check(config, one, run)
        if conditions is not HOSTILE:
            assert run.start_cycles < OVERHEAD
    assert runs[-1].results_taken == 0 and not runs[-1].y.any()
    assert sum(run.tiles_skipped for run in runs[:-1]) > 0
    assert runs[0].interrupted == 0
    assert runs[-2].interrupted > 0


def test_what_goes_wrong_is_told(rng: np.random.Generator) -> None:
    """Products given up in mid-transfer, infinity, memory out of reach: afterwards they are right."""
    happens = [Happening.GIVE_UP, Happening.INFINITE, Happening.UNREACHABLE, Happening.GIVE_UP, Happening.RUN]
    # Long and slow enough that a job that is given up has not ended by then.
    lengths = [100 if happening is Happening.GIVE_UP else 6 for happening in happens]
    asked = [
        product(rng, ARRAY, m, 4, 5, happening=happening)
        for m, happening in zip(lengths, happens, strict=True)
    ]
    infinite = asked[1].x.copy()
    infinite[3, 1] = 0x7F800000
    asked[1] = replace(asked[1], infinite=infinite, w=np.ones_like(asked[1].w))
    conditions = replace(HOSTILE, stream_waits=(0.97, 0.4, 0.6, 0.3))
    runs = run_products(generate(ARRAY), ARRAY, asked, conditions=conditions)
    for one, run in zip(asked, runs, strict=True):
        check(ARRAY, one, run)
    for index in (0, 3):
        assert (runs[index].broken, runs[index].refused) == (Outcome.TIMEOUT, Outcome.BUSY)
    for index in (0, 2, 3):
        assert runs[index].reset == Outcome.OK and runs[index].moves_reset
    assert runs[2].broken == Outcome.MOVE
    assert runs[1].broken == Outcome.FAULT and runs[1].fault & 4
    assert (runs[1].fault_stream, runs[1].fault_tile, runs[1].fault_vector) == (0, 0, 3)
