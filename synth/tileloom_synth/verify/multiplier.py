"""The multiplier against its specification, the encoder of weights at the array's edge included.

A product with an integer is one query for each magnitude. A product of two floating-point words is taken
apart, since no solver ends on two free significands: that the hardware multiplies the two significands
and nothing else; for every value in the product's bounds, that what follows is right; and the two facts about
a product of integers that this stands on: its bounds, and when its lowest places are all 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.arith.multiply import FloatMultiply
from tileloom.formats import FloatFormat, Format, Rounding, SignMagnitude

from .netlist import Netlist, netlist_of, port
from .pipeline import pipeline_query
from .proof import Proof
from .solver import Query
from .specification import (
    Definitions,
    bits,
    canonical,
    exponent,
    is_infinite,
    is_zero,
    number,
    rounded,
    sign,
    significand,
    widen,
)


def multiplier_proofs(
    a: FloatFormat, b: Format, result: FloatFormat, rounding: Rounding, stages: int, *, carry_save: bool
) -> list[Proof]:
    """Return what is proved of a multiplier inside a column: its products, and its pipeline.

    Formats of both operands and of the product; ``stages`` and ``carry_save`` as of ``Multiply``.
    """
    facts = (f"{a} x {b} -> {result}", rounding.value, stages)
    rows = ", carry save" if stages == 3 or carry_save else ""

    def component() -> Netlist:
        hardware = FloatMultiply(
            a, b, result, rounding, stages=stages, carry_save=carry_save, exact_specials=False
        )
        return netlist_of(hardware)

    if isinstance(b, SignMagnitude):
        how, integer = "solver, a query per magnitude", b
        proofs = [
            Proof(
                f"product{rows}",
                *facts,
                how,
                lambda: integer_queries(component(), a, integer, result, rounding, stages),
            )
        ]
    else:
        factor = b
        proofs = [
            Proof(
                "product",
                *facts,
                "solver, from the significands' product on",
                lambda: float_queries(component(), a, factor, result, rounding, stages),
            ),
            *lemmas(a, factor, result),
        ]
    return [
        *proofs,
        Proof(f"product{rows} under any enable", *facts, "solver", lambda: [pipeline_query(component())]),
    ]


def integer_queries(
    netlist: Netlist, a: FloatFormat, b: SignMagnitude, result: FloatFormat, rounding: Rounding, stages: int
) -> Sequence[Query]:
    """Return queries without a counterexample where every product with an integer is right."""
    word, weight = port("a", 0), port("b", 0)
    width = a.significand_bits + b.magnitude_bits
    scale_bits = _scale_bits(a.exponent_bits, result.exponent_bits, width)
    definitions = Definitions()
    got = definitions.vector(result.width, canonical(port("product", stages), result), "product")
    hardware = [*netlist.unrolled(stages), *definitions.lines]
    queries = []
    for value in range(1 << b.magnitude_bits):
        lines = Definitions()
        lines.require(f"(not {is_infinite(word, a)})")
        lines.require(f"(= {bits(weight, b.bits - 2, 0)} {number(value, b.magnitude_bits)})")
        digits = f"(bvmul {widen(significand(word, a), b.magnitude_bits)} {number(value, width)})"
        field = widen(exponent(word, a), scale_bits - a.exponent_bits)
        expected = rounded(
            lines,
            result,
            rounding,
            negative=f"(bvxor {sign(word, a)} {bits(weight, b.bits - 1, b.bits - 1)})",
            magnitude=f"(ite {is_zero(word, a)} {number(0, width)} {digits})",
            width=width,
            scale=f"(bvadd {field} {number(result.bias - a.bias - a.fraction_bits, scale_bits)})",
            scale_bits=scale_bits,
        )
        lines.require(f"(distinct {got} {expected})")
        queries.append(Query([*hardware, *lines.lines], {"a": word, "b": weight, "product": got}))
    return queries


def float_queries(
    netlist: Netlist, a: FloatFormat, b: FloatFormat, result: FloatFormat, rounding: Rounding, stages: int
) -> Sequence[Query]:
    """Return queries without a counterexample where products are right if the lemmas hold.

    The first: the one product in the netlist is that of the significands. The second: with any value of it
    that the lemmas allow, the word is right.
    """
    words = {"a": port("a", 0), "b": port("b", 0)}
    width = a.significand_bits + b.significand_bits
    free, product, factors = netlist.without_product()
    left, right = (
        f"(concat {number(0, width - word_format.significand_bits)} {significand(word, word_format)})"
        for word, word_format in zip(words.values(), (a, b), strict=True)
    )
    swapped, straight = (
        f"(and (= {factors[0]} {x}) (= {factors[1]} {y}))" for x, y in ((right, left), (left, right))
    )
    operands = Query([*netlist.unrolled(stages), f"(assert (not (or {straight} {swapped})))"], words)

    lines = Definitions()
    lines.require(_within(product, a, b))
    if below := _below(a, b, result):
        ends = _lowest_zeros(significand(words["a"], a), significand(words["b"], b), a, b, below)
        lines.require(f"(= {_empty(product, below)} {ends})")
    for word, word_format in zip(words.values(), (a, b), strict=True):
        lines.require(f"(not {is_infinite(word, word_format)})")
    got = lines.vector(result.width, canonical(port("product", stages), result), "product")
    scale_bits = _scale_bits(max(a.exponent_bits, b.exponent_bits), result.exponent_bits, width)
    fields = [
        widen(exponent(word, word_format), scale_bits - word_format.exponent_bits)
        for word, word_format in zip(words.values(), (a, b), strict=True)
    ]
    offset = result.bias - a.bias - b.bias - a.fraction_bits - b.fraction_bits
    nothing = f"(or {is_zero(words['a'], a)} {is_zero(words['b'], b)})"
    expected = rounded(
        lines,
        result,
        rounding,
        negative=f"(bvxor {sign(words['a'], a)} {sign(words['b'], b)})",
        magnitude=f"(ite {nothing} {number(0, width)} {product})",
        width=width,
        scale=f"(bvadd {fields[0]} (bvadd {fields[1]} {number(offset, scale_bits)}))",
        scale_bits=scale_bits,
    )
    lines.require(f"(distinct {got} {expected})")
    symbols = {**words, "significands' product": product, "product": got}
    return [operands, Query([*free.unrolled(stages), *lines.lines], symbols)]


def lemmas(a: FloatFormat, b: FloatFormat, result: FloatFormat) -> list[Proof]:
    """Return the proofs about products of two significands that ``float_queries`` stands on."""
    facts = (f"{a.significand_bits} x {b.significand_bits} bits", "any", 0)
    proofs = [Proof("bounds of a product", *facts, "solver", lambda: [bounds_query(a, b)])]
    below = _below(a, b, result)
    if below:
        lowest = (f"{a.significand_bits} x {b.significand_bits} bits, lowest {below}", "any", 0)
        how = "solver, a query per lowest bit"
        proofs.append(Proof("sticky of a product", *lowest, how, lambda: sticky_queries(a, b, below)))
    return proofs


def bounds_query(a: FloatFormat, b: FloatFormat) -> Query:
    """Return a query without a counterexample where the product of two significands is in its bounds."""
    lines, product = _factors(a, b)
    return Query([*lines, f"(assert (not {_within(product, a, b)}))"], {"a": "|x|", "b": "|y|"})


def sticky_queries(a: FloatFormat, b: FloatFormat, below: int) -> Sequence[Query]:
    """Return queries without a counterexample where the zeros below two factors add up in their product.

    One for each place of the lowest one in the first factor, and one for none in the places that count.
    """
    queries = []
    lines, product = _factors(a, b)
    fewest = min(below, a.fraction_bits)
    wrong = f"(assert (distinct {_empty(product, below)} {_lowest_zeros('|x|', '|y|', a, b, below)}))"
    for place in range(fewest + 1):
        lowest = f"(= {bits('|x|', place, 0)} {number(1 << place, place + 1)})"
        if place == below:
            lowest = f"(= {bits('|x|', place - 1, 0)} {number(0, place)})"
        queries.append(Query([*lines, f"(assert {lowest})", wrong], {"a": "|x|", "b": "|y|"}))
    return queries


def _factors(a: FloatFormat, b: FloatFormat) -> tuple[list[str], str]:
    """Return lines that declare two significands, and their product."""
    widths = (a.significand_bits, b.significand_bits)
    lines = []
    for name, width in zip(("|x|", "|y|"), widths, strict=True):
        lines.append(f"(declare-const {name} (_ BitVec {width}))")
        lines.append(f"(assert (= {bits(name, width - 1, width - 1)} #b1))")
    definitions = Definitions()
    product = definitions.vector(
        sum(widths), f"(bvmul {widen('|x|', widths[1])} {widen('|y|', widths[0])})", "xy"
    )
    return [*lines, *definitions.lines], product


def _within(product: str, a: FloatFormat, b: FloatFormat) -> str:
    """Return that a product is one of two significands: at least 1 x 1, at most both all ones."""
    width = a.significand_bits + b.significand_bits
    least = 1 << a.fraction_bits + b.fraction_bits
    most = ((1 << a.significand_bits) - 1) * ((1 << b.significand_bits) - 1)
    return f"(and (bvuge {product} {number(least, width)}) (bvule {product} {number(most, width)}))"


def _below(a: FloatFormat, b: FloatFormat, result: FloatFormat) -> int:
    """Return how many places of a product lie below the guard bit of the result, whichever its top place."""
    return max(0, a.significand_bits + b.significand_bits - result.fraction_bits - 3)


def _empty(product: str, below: int) -> str:
    return f"(= {bits(product, below - 1, 0)} {number(0, below)})"


def _lowest_zeros(x: str, y: str, a: FloatFormat, b: FloatFormat, below: int) -> str:
    """Return that the zeros at the low ends of two significands are together ``below`` or more.

    Of no two bits that are 1, then, do the places add up to less than ``below``.
    """
    widths = (a.significand_bits, b.significand_bits)
    pairs = [
        f"(or (= {bits(x, place, place)} #b0) (= {bits(y, high, 0)} {number(0, high + 1)}))"
        for place in range(min(below, widths[0]))
        for high in [min(below - place, widths[1]) - 1]
    ]
    return f"(and {' '.join(pairs)})"


def _scale_bits(exponent_bits: int, result_bits: int, width: int) -> int:
    """Return bits that hold sums of two exponents, two biases and a width, of either sign."""
    return max(exponent_bits, result_bits, width.bit_length()) + 3
