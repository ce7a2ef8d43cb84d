"""The multiplier against its specification, the encoder of weights at the array's edge included.

A product with an integer is one query for each magnitude. A product of two floating-point words is taken
apart, since no solver ends on two free significands: that the hardware multiplies the two significands
and nothing else; for every value in the product's bounds, that what follows is right; and the two facts about
a product of integers that this stands on. A multiplier that keeps its product as two rows in a register is
taken apart there, and the rows are shown to add up to the product by structure.
"""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.arith.multiply import FloatMultiply
from tileloom.formats import FloatFormat, Format, Rounding, SignMagnitude

from .digits import represented
from .netlist import Netlist, netlist_of, port
from .operand import Operand, operand_of
from .pipeline import pipeline_query, same_query
from .proof import Proof
from .significands import empty, lemmas, within, zeros_reach
from .solver import Query
from .specification import Definitions, bits, canonical, number, rounded, widen
from .structure import gates_of, significands_multiplied


def multiplier_proofs(
    a: FloatFormat,
    b: Format,
    result: FloatFormat,
    rounding: Rounding,
    stages: int,
    *,
    carry_save: bool,
    told_zeros: bool = False,
) -> list[Proof]:
    """Return what is proved of a multiplier inside a column: its products, and its pipeline.

    Formats of both operands and of the product; ``stages``, ``carry_save`` and ``told_zeros`` as of
    ``Multiply``.
    """
    rows = stages == 3 or carry_save
    title = "product, in rows" if rows else "product"
    title += ", zeros told" if told_zeros else ""
    facts = (f"{a} x {b} -> {result}", rounding.value, stages)

    def component() -> FloatMultiply:
        return FloatMultiply(
            a,
            b,
            result,
            rounding,
            stages=stages,
            carry_save=carry_save,
            exact_specials=False,
            told_zeros=told_zeros,
        )

    pipeline = Proof(
        f"{title}, any enable", *facts, "solver", lambda: [pipeline_query(netlist_of(component()))]
    )
    if isinstance(b, SignMagnitude) and not rows:
        how, integer = "solver, by magnitude", b

        def by_magnitude() -> Sequence[Query]:
            return integer_queries(
                netlist_of(component()), a, integer, result, rounding, stages, told_zeros=told_zeros
            )

        return [Proof(title, *facts, how, by_magnitude), pipeline]

    def after_product() -> Sequence[Query]:
        netlist = netlist_of(component(), wires=rows)
        return product_queries(netlist, a, b, result, rounding, stages, rows=rows, told_zeros=told_zeros)

    def tree() -> int:
        return significands_multiplied(gates_of(component()), a.fraction_bits, widths[1] - 1)

    widths = (a.significand_bits, _significand_bits(b))
    proofs = [Proof(title, *facts, "solver, any product", after_product)]
    if rows:
        proofs.append(Proof("rows of a product", *facts, "structure", structure=tree))
    return [*proofs, *lemmas(widths, _below(widths, result)), pipeline]


def staged_products(a: FloatFormat, b: Format, result: FloatFormat, rounding: Rounding) -> Proof:
    """Return the proof that a multiplier with two stages gives what one with one does, a cycle later."""

    def netlist(stages: int) -> Netlist:
        multiply = FloatMultiply(
            a, b, result, rounding, stages=stages, carry_save=False, exact_specials=False
        )
        return netlist_of(multiply)

    def make() -> list[Query]:
        return [same_query(netlist(1), netlist(2), (1, 2), "product")]

    return Proof("product, 2 stages as 1", f"{a} x {b} -> {result}", rounding.value, 0, "solver", make)


def integer_queries(
    netlist: Netlist,
    a: FloatFormat,
    b: SignMagnitude,
    result: FloatFormat,
    rounding: Rounding,
    stages: int,
    *,
    told_zeros: bool = False,
) -> Sequence[Query]:
    """Return queries without a counterexample where every product with an integer is right."""
    word, weight = port("a", 0), port("b", 0)
    width = a.significand_bits + b.magnitude_bits
    power_bits = _power_bits(a, b, result)
    definitions = Definitions()
    got = definitions.vector(result.width, canonical(port("product", stages), result), "product")
    factor = operand_of(definitions, word, a, power_bits)
    hardware = [*netlist.unrolled(stages), *definitions.lines]
    queries = []
    for value in range(1 << b.magnitude_bits):
        lines = Definitions("of magnitude")
        lines.require(f"(not {factor.infinite})")
        zero = _zero(lines, factor, "true" if value == 0 else "false") if told_zeros else factor.zero
        lines.require(f"(= {bits(weight, b.bits - 2, 0)} {number(value, b.magnitude_bits)})")
        digits = f"(bvmul {widen(factor.significand, b.magnitude_bits)} {number(value, width)})"
        expected = rounded(
            lines,
            result,
            rounding,
            negative=f"(bvxor {factor.negative} {bits(weight, b.bits - 1, b.bits - 1)})",
            magnitude=f"(ite {zero} {number(0, width)} {digits})",
            width=width,
            scale=f"(bvadd {factor.power} {number(result.bias, power_bits)})",
            scale_bits=power_bits,
        )
        lines.require(f"(distinct {got} {expected})")
        queries.append(Query([*hardware, *lines.lines], {"a": word, "b": weight, "product": got}))
    return queries


def product_queries(
    netlist: Netlist,
    a: FloatFormat,
    b: Format,
    result: FloatFormat,
    rounding: Rounding,
    stages: int,
    *,
    rows: bool,
    told_zeros: bool = False,
) -> Sequence[Query]:
    """Return queries without a counterexample where products are right if the lemmas hold.

    The first: what the netlist multiplies are the significands. The second: with any value of their product
    that the lemmas allow, the word is right. With ``rows`` the netlist has all of its signals, and that the
    rows are those of a product is left to ``significands_multiplied``.
    """
    words = {"a": port("a", 0), "b": port("b", 0)}
    lines, power_bits = Definitions(), _power_bits(a, b, result)
    factors = [
        operand_of(lines, word, word_format, power_bits)
        for word, word_format in zip(words.values(), (a, b), strict=True)
    ]
    widths = (factors[0].width, factors[1].width)
    width, below = sum(widths), _below(widths, result)
    significands = (factors[0].significand, factors[1].significand)
    if rows:
        free, product, same = _rows(lines, netlist, significands, widths, below)
    else:
        free, product, multiplied, places = netlist.without_product()
        wide = [widen(value, places - own) for value, own in zip(significands, widths, strict=True)]
        straight, crossed = (
            f"(and (= {multiplied[0]} {x}) (= {multiplied[1]} {y}))" for x, y in (wide, wide[::-1])
        )
        same = f"(or {straight} {crossed})"
        if places > width:  # digits that no word is encoded as stand for more, which is dropped
            product = bits(product, width - 1, 0)
    operands = Query([*netlist.step(0), *lines.lines, f"(assert (not {same}))"], words)

    lines.require(within(product, widths))
    if below:
        lines.require(f"(= {empty(product, below)} {zeros_reach(*significands, widths, below)})")
    for factor in factors:
        lines.require(f"(not {factor.infinite})")
    got = lines.vector(result.width, canonical(port("product", stages), result), "product")
    zero = _zero(lines, factors[0], factors[1].zero) if told_zeros else factors[0].zero
    nothing = f"(or {zero} {factors[1].zero})"
    power = f"(bvadd {factors[0].power} {factors[1].power})"
    expected = rounded(
        lines,
        result,
        rounding,
        negative=f"(bvxor {factors[0].negative} {factors[1].negative})",
        magnitude=f"(ite {nothing} {number(0, width)} {product})",
        width=width,
        scale=f"(bvadd {power} {number(result.bias, power_bits)})",
        scale_bits=power_bits,
    )
    lines.require(f"(distinct {got} {expected})")
    symbols = {**words, "significands' product": product, "product": got}
    return [operands, Query([*free.unrolled(stages), *lines.lines], symbols)]


def _zero(lines: Definitions, factor: Operand, other_zero: str) -> str:
    """Return what tells that the first factor is zero, and require that it does, unless the other one is."""
    told = port("a_zero", 0)
    lines.require(f"(or {told} {other_zero} (not {factor.zero}))")
    return told


def _rows(
    lines: Definitions, netlist: Netlist, significands: tuple[str, str], widths: tuple[int, int], below: int
) -> tuple[Netlist, str, str]:
    """Return the netlist with its rows free, their sum, and that the tree's inputs are the significands.

    The second is digits there, which must stand for it. The lowest places of the sum are wired to nothing,
    and Yosys has removed them: they are free.
    """
    a_bits, b_bits = widths
    wire = port("multiply.product", 1)
    product = wire
    if below:
        lines.lines.append(f"(declare-const |places below| (_ BitVec {below}))")
        product = f"(concat {bits(wire, sum(widths) - 1, below)} |places below|)"
    same = []
    if a_bits > 1:
        a_fraction, significand = (
            bits(word, a_bits - 2, 0) for word in (port("multiply.a", 0), significands[0])
        )
        same.append(f"(= {a_fraction} {significand})")
    if b_bits > 1:
        digits = bits(port("multiply.b", 0), b_bits - 1, 0)
        same.append(f"(= {represented(digits, b_bits)} {significands[1]})")
    return netlist.without_registers("multiply.product"), product, f"(and true {' '.join(same)})"


def _significand_bits(number_format: Format) -> int:
    """Return the bits of a factor whose leading one is in place."""
    if isinstance(number_format, SignMagnitude):
        return number_format.magnitude_bits
    return number_format.significand_bits


def _below(widths: tuple[int, int], result: FloatFormat) -> int:
    """Return how many places of a product lie below the guard bit of the result, whichever its top place."""
    return max(0, sum(widths) - result.fraction_bits - 3)


def _power_bits(a: FloatFormat, b: Format, result: FloatFormat) -> int:
    """Return bits that hold any sum of powers of two, biases and widths here, of either sign."""
    b_bits = b.exponent_bits if isinstance(b, FloatFormat) else b.bits.bit_length()
    width = a.significand_bits + _significand_bits(b) + result.significand_bits
    return max(a.exponent_bits, b_bits, result.exponent_bits, width.bit_length()) + 3
