"""The arithmetic is proved, every operand: in each run what is quick, in the long one the rest.

The FP32 sum of the presets is proved in each run too, by the command line in docs/evidence.md.
"""

from collections.abc import Iterable

import pytest

from tileloom.arith.add import Add
from tileloom.arith.multiply import Multiply
from tileloom.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, INT8, FloatFormat, Rounding, SignMagnitude
from tileloom_synth.verify.adder import adder_proofs, staged_sums
from tileloom_synth.verify.multiplier import multiplier_proofs, staged_products
from tileloom_synth.verify.netlist import netlist_of
from tileloom_synth.verify.pipeline import same_query
from tileloom_synth.verify.proof import Proof, decide
from tileloom_synth.verify.solver import refute

TRUNCATE, NEAREST = Rounding.TRUNCATE, Rounding.NEAREST_EVEN
TIMEOUT = 3000


def cases(quick: Iterable[tuple], every: Iterable[tuple]) -> list[object]:
    """Return the quick cases, and all others marked ``long``."""
    quick = list(quick)
    return [*quick, *(pytest.param(*case, marks=pytest.mark.long) for case in every if case not in quick)]


def check(proofs: list[Proof], kinds: int) -> None:
    assert len(proofs) == kinds
    for proof in proofs:
        outcome = decide(proof, timeout=TIMEOUT)
        print(proof.key, f"{outcome.queries} queries, {outcome.seconds:.1f} s")
        assert outcome.queries and outcome.proved is True, (proof.key, outcome.counterexample)


@pytest.mark.parametrize(
    ("float_format", "rounding", "stages"),
    cases(
        [(FP16, NEAREST, 5), (FP8_E5M2, NEAREST, 2), (FP8_E4M3, TRUNCATE, 3)],
        [
            (float_format, rounding, stages)
            for float_format in (FP32, FP16, BF16, FP8_E4M3, FP8_E5M2)
            for rounding in Rounding
            for stages in ((1, 4) if float_format == BF16 else (1, 2, 3, 4, 5))
        ],
    ),
    ids=str,
)
def test_sums(float_format, rounding, stages):
    check(adder_proofs(float_format, rounding, stages), 2)


@pytest.mark.parametrize(
    ("a", "b", "result", "rounding", "stages"),
    cases(
        [
            (FP32, INT8, FP32, TRUNCATE, 1),
            (BF16, INT8, FP32, TRUNCATE, 1),
            (FP8_E4M3, INT8, FP16, NEAREST, 1),
        ],
        [
            (a, b, result, rounding, stages)
            for a, b, result in ((FP32, INT8, FP32), (BF16, INT8, FP32), (FP16, SignMagnitude(4), FP16))
            for rounding in Rounding
            for stages in (1, 2)
        ],
    ),
    ids=str,
)
def test_products_with_integers(a, b, result, rounding, stages):
    check(multiplier_proofs(a, b, result, rounding, stages, carry_save=False), 2)


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize(
    ("formats", "kinds"),
    [((FP32, FP32, FP32), 4), ((FP16, FP16, FP32), 3), ((FP16, FP8_E5M2, FP8_E4M3), 4)],
    ids=str,
)
def test_products_of_floats(formats, kinds, rounding, stages):
    check(multiplier_proofs(*formats, rounding, stages, carry_save=False), kinds)


@pytest.mark.parametrize(
    ("formats", "rounding", "stages", "kinds"),
    [
        ((FP32, FP32, FP32), TRUNCATE, 3, 5),
        ((FP32, FP32, FP32), NEAREST, 2, 5),
        ((FP32, INT8, FP32), NEAREST, 3, 5),
        ((FP16, FP16, FP32), NEAREST, 2, 4),
        ((FP16, SignMagnitude(2), FP16), TRUNCATE, 3, 4),
        pytest.param(
            (FloatFormat(11, 30), FloatFormat(11, 29), FloatFormat(11, 52)),
            NEAREST,
            3,
            5,
            marks=pytest.mark.long,
        ),
    ],
    ids=str,
)
def test_products_in_rows(formats, rounding, stages, kinds):
    check(multiplier_proofs(*formats, rounding, stages, carry_save=stages == 2), kinds)


@pytest.mark.parametrize("rounding", list(Rounding))
def test_any_number_of_stages_is_one(rounding) -> None:
    check([staged_sums(FP32, rounding), staged_products(FP32, INT8, FP32, rounding)], 2)


def test_pipelines_of_other_functions_are_refuted() -> None:
    one, other = (netlist_of(Add(FP16, rounding, stages=2, exact_specials=False)) for rounding in Rounding)
    assert refute([same_query(one, one, (2, 2), "sum")], timeout=TIMEOUT) is None
    assert refute([same_query(one, other, (2, 2), "sum")], timeout=TIMEOUT) is not None
    assert refute([same_query(one, one, (1, 2), "sum")], timeout=TIMEOUT) is not None


ZEROS_TOLD = [
    ((FP16, SignMagnitude(4), FP16), 1, 2),
    ((FP32, INT8, FP32), 3, 5),
    ((FP16, FP16, FP32), 1, 3),
]


@pytest.mark.parametrize(("formats", "stages", "kinds"), ZEROS_TOLD, ids=str)
def test_products_where_zeros_are_told(formats, stages, kinds):
    """As elements with ``gate_zeros`` have them: the word says nothing where it is told to be zero."""
    check(multiplier_proofs(*formats, NEAREST, stages, carry_save=False, told_zeros=True), kinds)


@pytest.mark.parametrize(("formats", "stages", "kinds"), ZEROS_TOLD, ids=str)
def test_a_multiplier_that_looks_at_the_word_is_refuted(formats, stages, kinds, monkeypatch):
    kept = Multiply.elaborate

    def looking(multiply: Multiply, platform: object) -> object:
        multiply.told_zeros = False
        return kept(multiply, platform)

    monkeypatch.setattr(Multiply, "elaborate", looking)
    product = multiplier_proofs(*formats, NEAREST, stages, carry_save=False, told_zeros=True)[0]
    assert decide(product, timeout=TIMEOUT).proved is False
