"""Requantisation against exact fractions, at every edge."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from tileloom_golden.requantise import Requantisation, from_ratios, requantise, saturated

INT32 = [-(2**31), -(2**31) + 1, -1000003, -129, -128, -2, -1, 0, 1, 2, 127, 128, 255, 65537, 2**31 - 1]


def exact(result, bias, scale, shift, relu, rounding="half-away"):
    """Return what the definition says, in fractions; Python's own round takes halves to even."""
    value = Fraction((result + bias) * scale, 2**shift)
    magnitude = floor(abs(value) + Fraction(1, 2))
    rounded = round(value) if rounding == "half-even" else -magnitude if value < 0 else magnitude
    q = max(-128, min(127, rounded))
    return max(q, 0) if relu else q


@pytest.mark.parametrize("rounding", ["half-away", "half-even"])
@pytest.mark.parametrize("relu", [False, True])
def test_edges(relu, rounding):
    cases = [
        (result, bias, scale, shift)
        for result in INT32
        for bias in (-(2**31), -7, 0, 1, 2**31 - 1)
        for scale in (0, 1, 3, 32768, 65535)
        for shift in (0, 1, 2, 15, 16, 31, 40, 48, 63)
    ]
    results, bias, scale, shift = np.array(cases).T
    found = requantise(results, Requantisation(bias, scale, shift), relu=relu, rounding=rounding)
    assert found.dtype == np.int8 and len(found) == len(cases) == 3375
    np.testing.assert_array_equal(found, [exact(*case, relu, rounding) for case in cases])


@pytest.mark.parametrize("relu", [False, True])
def test_saturated_is_what_clamping_changes(relu):
    """127 and -128 themselves are not, and with ReLU nothing negative is."""
    values = np.array([[-(2**31), -129, -128, -127, 0, 126, 127, 128, 2**31 - 1]]).T
    one = Requantisation(np.array([0]), np.array([1]), np.array([0]))
    assert saturated(values, one, relu=relu).T.tolist() == [
        [not relu, not relu, False, False, False, False, False, True, True]
    ]
    # It is the rounded value that counts: 127.25 and 127.5.
    quarters = Requantisation(np.array([0]), np.array([1]), np.array([2]))
    assert saturated(np.array([[509], [510]]), quarters, relu=relu).T.tolist() == [[False, True]]


def test_halves_go_away_from_zero_or_to_even():
    halves = np.array([[-5, -3, -1, 1, 3, 5]]).T
    half = Requantisation(np.array([0]), np.array([1]), np.array([1]))
    assert requantise(halves, half).T.tolist() == [[-3, -2, -1, 1, 2, 3]]
    assert requantise(halves, half, rounding="half-even").T.tolist() == [[-2, -2, 0, 0, 2, 2]]
    # 127.5 is 128 either way, and saturates; 126.5 is 127 or 126.
    ends = np.array([[253], [255]])
    for rounding, q in (("half-away", [127, 127]), ("half-even", [126, 127])):
        assert requantise(ends, half, rounding=rounding).T.tolist() == [q]
        assert saturated(ends, half, rounding=rounding).T.tolist() == [[False, True]]


def test_to_even_is_what_numpy_rounds(rng):
    """Millions of results, most of them halves: rint of the exact quotient."""
    results = rng.integers(-(2**12), 2**12, (400_000, 4))
    shift = np.array([1, 2, 4, 6])
    parameters = Requantisation(rng.integers(-50, 50, 4), np.array([1, 3, 5, 1]), shift)
    found = requantise(results, parameters, rounding="half-even")
    quotient = (results + parameters.bias) * parameters.scale / 2.0**shift
    np.testing.assert_array_equal(found, np.clip(np.rint(quotient), -128, 127))
    halves = (quotient % 1 == 0.5) & (np.abs(quotient) < 127)
    assert halves.sum() > 20_000


@pytest.mark.parametrize("rounding", ["half-away", "half-even"])
@pytest.mark.parametrize("relu", [False, True])
def test_zero_points_are_added_to_rounded_results(rng, relu, rounding):
    """In range and far outside of it, with the ends of the zero point."""
    zero = np.array([-128, -1, 0, 77, 127])
    parameters = Requantisation(np.zeros(5, int), np.ones(5, int), np.full(5, 2), zero)
    results = np.concatenate([rng.integers(-1100, 1100, (600, 5)), rng.integers(-(2**31), 2**31, (40, 5))])
    found = requantise(results, parameters, relu=relu, rounding=rounding)
    clamped = saturated(results, parameters, relu=relu, rounding=rounding)
    for index in np.ndindex(*results.shape):
        offset = int(zero[index[1]])
        value = Fraction(int(results[index]), 4)
        whole = round(value) if rounding == "half-even" else floor(abs(value) + Fraction(1, 2))
        signed = whole if rounding == "half-even" or value >= 0 else -whole
        q = max(-128, min(127, signed + offset))
        assert found[index] == (max(q, offset) if relu else q)
        outside = signed + offset > 127 or (signed + offset < -128 and not relu)
        assert clamped[index] == outside
    assert 0.1 < clamped.mean() < 0.9


def test_each_column_has_its_own(rng):
    results = rng.integers(-(2**20), 2**20, (5, 3, 4))
    parameters = Requantisation(
        rng.integers(-1000, 1000, 4), rng.integers(0, 65536, 4), np.array([20, 25, 30, 35])
    )
    found = requantise(results, parameters)
    for index in np.ndindex(*results.shape):
        column = index[-1]
        numbers = (int(array[column]) for array in (parameters.bias, parameters.scale, parameters.shift))
        assert found[index] == exact(int(results[index]), *numbers, False)


def test_ratios_have_sixteen_bits(rng):
    ratios = np.exp2(rng.uniform(-47, 15.9, 2000))
    parameters = from_ratios(ratios)
    found = np.ldexp(parameters.scale.astype(float), -parameters.shift)
    assert (np.abs(found / ratios - 1) <= 2.0**-16).all()
    # The nearest 16-bit number is the next power of two.
    assert from_ratios(np.array([1 - 2.0**-20])).scale.tolist() == [32768]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (([0, 0], [1], [0]), r"scale has shape \(1,\), not \(2,\)"),
        (([0, 2**31], [1, 1], [0, 0]), r"bias\[1\] is not"),
        (([0], [65536], [0]), r"scale\[0\] is not 0 to 65535"),
        (([0], [1], [64]), r"shift\[0\] is not 0 to 63"),
        (([0], [0.5], [0]), "scale has dtype float64"),
        (([0], [1], [0], [128]), r"zero_point\[0\] is not -128 to 127"),
    ],
)
def test_wrong_parameters_are_named(numbers, message):
    with pytest.raises(ValueError, match=message):
        Requantisation(*map(np.array, numbers))


def test_wrong_results_are_named():
    parameters = Requantisation(*np.zeros((3, 2), int))
    with pytest.raises(ValueError, match=r"results\[1, 0\] does not fit INT32"):
        requantise(np.array([[0, 0], [2**31, 0]]), parameters)
    with pytest.raises(ValueError, match=r"results has shape \(3,\)"):
        requantise(np.zeros(3, int), parameters)
    with pytest.raises(ValueError, match="rounding is 'even', not half-away or half-even"):
        requantise(np.zeros(2, int), parameters, rounding="even")
    with pytest.raises(ValueError, match=r"ratios\[0\] is not"):
        from_ratios(np.array([65536.0]))
