"""A factor of a product, as its specification has it: sign, significand, power of two."""

from __future__ import annotations

from dataclasses import dataclass

from tileloom.formats import FloatFormat, Format, SignMagnitude

from .specification import (
    Definitions,
    bits,
    exponent,
    is_infinite,
    is_zero,
    number,
    sign,
    significand,
    widen,
)


@dataclass(frozen=True)
class Operand:
    """A word's value, ``significand * 2**power`` with its sign, unless it is zero.

    Attributes
    ----------
    negative:
        The sign, one bit.
    zero, infinite:
        Conditions.
    significand, width:
        A whole number of ``width`` bits whose highest is 1, of zero too.
    power:
        Signed, of as many bits as were asked for.
    """

    negative: str
    zero: str
    infinite: str
    significand: str
    width: int
    power: str


def operand_of(definitions: Definitions, word: str, number_format: Format, power_bits: int) -> Operand:
    """Return the value of a word of ``number_format``, with a power of ``power_bits`` bits."""
    if isinstance(number_format, FloatFormat):
        field = widen(exponent(word, number_format), power_bits - number_format.exponent_bits)
        offset = number(number_format.bias + number_format.fraction_bits, power_bits)
        return Operand(
            sign(word, number_format),
            is_zero(word, number_format),
            is_infinite(word, number_format),
            definitions.vector(number_format.significand_bits, significand(word, number_format)),
            number_format.significand_bits,
            definitions.vector(power_bits, f"(bvsub {field} {offset})"),
        )
    return _integer(definitions, word, number_format, power_bits)


def _integer(definitions: Definitions, word: str, integer: SignMagnitude, power_bits: int) -> Operand:
    """Return the value of an integer, its magnitude moved left until the leading one is in place."""
    width = integer.magnitude_bits
    magnitude = bits(word, width - 1, 0)
    moved, power = number(1 << width - 1, width), number(0, power_bits)
    for place in range(width):  # the highest bit that is set is asked last, and so first
        leading = f"(= {bits(magnitude, place, place)} #b1)"
        left = number(width - 1 - place, width)
        moved = f"(ite {leading} (bvshl {magnitude} {left}) {moved})"
        power = f"(ite {leading} {number(place + 1 - width, power_bits)} {power})"
    return Operand(
        bits(word, width, width),
        f"(= {magnitude} {number(0, width)})",
        "false",
        definitions.vector(width, moved),
        width,
        definitions.vector(power_bits, power),
    )
