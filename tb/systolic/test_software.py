"""Products by software on CV32E40P's FPU: every method, both kinds of weights, any size, bit for bit."""

from fractions import Fraction

import numpy as np
import pytest

from tileloom_golden.fused import fused_gemm, fused_multiply_add
from tileloom_sim.systolic.software import Method, run_software


def drawn(random, shape):
    """Magnitudes from 2^-12 to 2^12, so that sums cancel and lose bits, and some zeros."""
    values = random.normal(size=shape) * 2.0 ** random.integers(-12, 13, shape)
    return (values * (random.random(shape) > 0.1)).astype(np.float32)


def single(value):
    """Return the float32 nearest to an exact value, ties to even, by comparison with its neighbours."""
    near = np.float32(float(value))
    around = (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf)))
    return min(around, key=lambda each: (abs(Fraction(float(each)) - value), int(each.view(np.uint32)) & 1))


def test_golden_rounds_once():
    random = np.random.default_rng(1)
    x, w, addend = (drawn(random, 4000) for _ in range(3))
    addend[::2] = -(x * w)[::2]  # what is left is the product's rounding error
    # A tie of float32 that only the last bit of the product decides: rounded twice it goes the wrong way.
    x[0], w[0], addend[0] = np.float32(1 + 2**-12), np.float32(2.0**-12 * (1 - 2**-23)), np.float32(2.0**12)
    x[1::8] *= np.float32(2.0**-66)
    w[1::8] *= np.float32(2.0**-66)
    addend[1::8] *= np.float32(2.0**-130)  # subnormal results
    found = fused_multiply_add(x, w, addend)
    for index, (a, b, c) in enumerate(zip(x, w, addend, strict=True)):
        exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
        assert found[index] == single(exact), index
    assert (np.abs(found[found != 0]) < np.finfo(np.float32).tiny).any()


@pytest.mark.parametrize("integers", [False, True], ids=["fp32", "int8"])
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 8, 6), (5, 3, 7), (9, 19, 13), (2, 40, 12)], ids=str)
def test_products_are_fused_in_order_of_k(shape, method, integers):
    m, k, n = shape
    random = np.random.default_rng(m + 10 * k)
    x = drawn(random, (m, k))
    w = random.integers(-127, 128, (k, n), np.int8) if integers else drawn(random, (k, n))
    run = run_software(method, x, w)
    assert run.results.tolist() == fused_gemm(x, w.astype(np.float32)).view(np.uint32).tolist()


@pytest.mark.parametrize(
    ("method", "integers", "most"),
    [
        (Method.BLOCKED, False, 1.57),
        (Method.BLOCKED, True, 1.71),
        (Method.PLAIN, False, 4.50),
        (Method.PLAIN, True, 4.50),
    ],
)
def test_an_instruction_takes_a_cycle(method, integers, most):
    random = np.random.default_rng(3)
    x = drawn(random, (24, 128))
    w = random.integers(-127, 128, (128, 24), np.int8) if integers else drawn(random, (128, 24))
    run = run_software(method, x, w)
    assert run.instructions <= run.cycles <= 1.02 * run.instructions
    assert run.cycles / (24 * 128 * 24) <= most
    # Both operands of every product are loaded, or for the block once for 6 and 4 of them.
    loads = 24 * 128 * 24 * (2 if method is Method.PLAIN else 1 / 6 + 1 / 4)
    assert loads < run.events["loads"] < 1.25 * loads
