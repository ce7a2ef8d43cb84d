"""The adder against its specification, every pair of words: SMT's floating point, or exact bit-vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.arith.add import Add
from tileloom.formats import FP16, FP32, FloatFormat, Rounding

from .netlist import Netlist, netlist_of, port
from .pipeline import pipeline_query, same_query
from .proof import Proof
from .solver import Query
from .specification import (
    Definitions,
    canonical,
    exponent,
    infinity,
    is_infinite,
    is_zero,
    number,
    rounded,
    sign,
    significand,
    widen,
)

IN_SOLVER = {FP32: FloatFormat(11, 52), FP16: FP32}
"""Formats that the solver knows the arithmetic of, each with a wider one that it knows too."""

STAGES = (2, 3, 4, 5)
"""Numbers of stages beside one (``SystolicConfig.add_stages``)."""


def adder_proofs(float_format: FloatFormat, rounding: Rounding, stages: int) -> list[Proof]:
    """Return what is proved of an adder inside a column: its sums, and its pipeline."""
    facts = (str(float_format), rounding.value, stages)

    def component() -> Netlist:
        return netlist_of(Add(float_format, rounding, stages=stages, exact_specials=False))

    how = "solver, fp.add" if float_format in IN_SOLVER else "solver, by exponent gap"
    return [
        Proof("sum", *facts, how, lambda: sum_queries(component(), float_format, rounding, stages)),
        Proof("sum, any enable", *facts, "solver", lambda: [pipeline_query(component())]),
    ]


def staged_sums(float_format: FloatFormat, rounding: Rounding) -> Proof:
    """Return the proof that an adder with two to five stages gives what one with one does, so much later."""

    def netlist(stages: int) -> Netlist:
        return netlist_of(Add(float_format, rounding, stages=stages, exact_specials=False))

    def make() -> list[Query]:
        one = netlist(1)
        return [same_query(one, netlist(stages), (1, stages), "sum") for stages in STAGES]

    title = f"sum, {STAGES[0]} to {STAGES[-1]} stages as 1"
    return Proof(title, str(float_format), rounding.value, 0, "solver", make)


def sum_queries(
    netlist: Netlist, float_format: FloatFormat, rounding: Rounding, stages: int
) -> Sequence[Query]:
    """Return queries without a counterexample where every sum is right, ``stages`` cycles after its operands.

    All words count, also those that stand for zero or infinity in the middle of a column.
    """
    a, b = port("a", 0), port("b", 0)
    definitions = Definitions()
    result = definitions.vector(float_format.width, canonical(port("sum", stages), float_format), "sum")
    hardware = [*netlist.unrolled(stages), *definitions.lines]
    symbols = {"a": a, "b": b, "sum": result}
    if float_format in IN_SOLVER:
        right = _floating_point(a, b, result, float_format, rounding)
        return [Query([*hardware, f"(assert (not {right}))"], symbols)]
    a_larger = f"(bvuge {exponent(a, float_format)} {exponent(b, float_format)})"
    queries = []
    for first, second, order in ((a, b, a_larger), (b, a, f"(not {a_larger})")):
        for gap in range(1 << float_format.exponent_bits):
            lines = Definitions()
            lines.require(order)
            difference = f"(bvsub {exponent(first, float_format)} {exponent(second, float_format)})"
            lines.require(f"(= {difference} {number(gap, float_format.exponent_bits)})")
            expected = _exact(lines, first, second, gap, float_format, rounding)
            expected = _with_specials(a, b, expected, float_format)
            lines.require(f"(distinct {result} {expected})")
            queries.append(Query([*hardware, *lines.lines], symbols))
    return queries


def _with_specials(a: str, b: str, total: str, float_format: FloatFormat) -> str:
    """Return the sum where ``total`` is that of finite words that are not zero; of infinities ``a`` wins."""
    for word, other in ((b, a), (a, b)):
        total = f"(ite {is_zero(word, float_format)} {canonical(other, float_format)} {total})"
    for word in (b, a):
        passed = infinity(sign(word, float_format), float_format)
        total = f"(ite {is_infinite(word, float_format)} {passed} {total})"
    return total


def _exact(
    definitions: Definitions,
    larger: str,
    smaller: str,
    gap: int,
    float_format: FloatFormat,
    rounding: Rounding,
) -> str:
    """Return the rounded sum of two words whose exponents differ by ``gap``, all of its digits kept."""
    width = float_format.significand_bits + gap + 1
    scale_bits = max(float_format.exponent_bits + 2, (2 * width).bit_length() + 1)
    upper = f"(concat {significand(larger, float_format)} {number(0, gap)})" if gap else ""
    upper = definitions.vector(width, widen(upper or significand(larger, float_format), 1))
    lower = definitions.vector(width, widen(significand(smaller, float_format), gap + 1))
    same = f"(= {sign(larger, float_format)} {sign(smaller, float_format)})"
    reverse = f"(bvult {upper} {lower})"  # of equal exponents the second may be the larger
    difference = f"(ite {reverse} (bvsub {lower} {upper}) (bvsub {upper} {lower}))"
    magnitude = definitions.vector(width, f"(ite {same} (bvadd {upper} {lower}) {difference})")
    negative = f"(ite {reverse} {sign(smaller, float_format)} {sign(larger, float_format)})"
    # The lowest digit of the smaller word has its exponent, less the fraction's places.
    field = widen(exponent(smaller, float_format), scale_bits - float_format.exponent_bits)
    return rounded(
        definitions,
        float_format,
        rounding,
        negative=definitions.vector(1, f"(ite {same} {sign(larger, float_format)} {negative})"),
        magnitude=magnitude,
        width=width,
        scale=f"(bvsub {field} {number(float_format.fraction_bits, scale_bits)})",
        scale_bits=scale_bits,
    )


def _floating_point(a: str, b: str, result: str, float_format: FloatFormat, rounding: Rounding) -> str:
    """Return that ``result`` is the sum by SMT's ``fp.add``, with the rules for zero and infinity.

    A sum of normal words that is below the smallest normal is exact, so that rounding it with subnormals and
    then making it zero is rounding it without a lower end. Toward zero SMT's overflow stops at the largest
    number; that the sum is too large is asked of the next wider format, where it is none.
    """
    sort = _sort(float_format)
    wider = IN_SOLVER[float_format]
    mode = "RTZ" if rounding is Rounding.TRUNCATE else "RNE"
    zero = number(0, float_format.width)
    x, y = (f"({sort} (ite {is_zero(word, float_format)} {zero} {word}))" for word in (a, b))
    total = f"(fp.add {mode} {x} {y})"
    if rounding is Rounding.TRUNCATE:
        limit = wider.bias + float_format.bias + 1 << wider.fraction_bits  # the power of two above
        wide_x, wide_y = (f"({_sort(wider)} RTZ {value})" for value in (x, y))
        wide_total = f"(fp.abs (fp.add RTZ {wide_x} {wide_y}))"
        too_large = f"(fp.geq {wide_total} ({_sort(wider)} {number(limit, wider.width)}))"
    else:
        too_large = f"(fp.isInfinite {total})"
    negative = f"(ite (fp.isNegative {total}) #b1 #b0)"
    finite = (
        f"(ite {too_large} (= {result} {infinity(negative, float_format)}) "
        f"(ite (fp.isNormal {total}) (= ({sort} {result}) {total}) (= {result} {zero})))"
    )
    for word in (b, a):
        passed = f"(= {result} {infinity(sign(word, float_format), float_format)})"
        finite = f"(ite {is_infinite(word, float_format)} {passed} {finite})"
    return finite


def _sort(float_format: FloatFormat) -> str:
    return f"(_ to_fp {float_format.exponent_bits} {float_format.significand_bits})"
