"""What words mean and how results are rounded, as SMT-LIB: the rules of ``docs/numbers.md`` and nothing else.

Written from the rules, never from the hardware, which it shares no code with but the widths of the formats.
Expressions are text; bits are extracted by their number, the lowest being 0.
"""

from __future__ import annotations

from tileloom.formats import FloatFormat, Rounding


class Definitions:
    """SMT-LIB lines that name expressions, so that what is used twice is written once.

    ``prefix`` begins the names: of two in one query it must differ.
    """

    def __init__(self, prefix: str = "specified") -> None:
        self.prefix = prefix
        self.lines: list[str] = []

    def vector(self, width: int, value: str, name: str | None = None) -> str:
        """Define a bit-vector of ``width`` bits and return its symbol."""
        symbol = f"|{name or f'{self.prefix} {len(self.lines)}'}|"
        self.lines.append(f"(define-fun {symbol} () (_ BitVec {width}) {value})")
        return symbol

    def require(self, condition: str) -> None:
        """Assert a condition."""
        self.lines.append(f"(assert {condition})")


def number(value: int, width: int) -> str:
    """Return a constant, modulo ``2**width``."""
    return f"(_ bv{value % (1 << width)} {width})"


def bit(condition: str) -> str:
    """Return a condition as a bit."""
    return f"(ite {condition} #b1 #b0)"


def bits(value: str, high: int, low: int) -> str:
    """Return bits ``high`` to ``low`` of a value."""
    return f"((_ extract {high} {low}) {value})"


def widen(value: str, by: int) -> str:
    """Return a value with ``by`` zeros above it."""
    return f"((_ zero_extend {by}) {value})"


def sign(word: str, float_format: FloatFormat) -> str:
    """Return the sign of a word, one bit."""
    return bits(word, float_format.width - 1, float_format.width - 1)


def exponent(word: str, float_format: FloatFormat) -> str:
    """Return the exponent field of a word."""
    return bits(word, float_format.width - 2, float_format.fraction_bits)


def significand(word: str, float_format: FloatFormat) -> str:
    """Return ``1.fraction`` of a word, the leading one included."""
    return f"(concat #b1 {bits(word, float_format.fraction_bits - 1, 0)})"


def is_zero(word: str, float_format: FloatFormat) -> str:
    """Return whether a word is zero: its exponent field is 0."""
    return f"(= {exponent(word, float_format)} {number(0, float_format.exponent_bits)})"


def is_infinite(word: str, float_format: FloatFormat) -> str:
    """Return whether a word is infinity: its exponent field is all ones. NaN does not exist."""
    return f"(= {exponent(word, float_format)} {number(-1, float_format.exponent_bits)})"


def infinity(negative: str, float_format: FloatFormat) -> str:
    """Return infinity with a sign."""
    rest = float_format.infinity_exponent << float_format.fraction_bits
    return f"(concat {negative} {number(rest, float_format.width - 1)})"


def canonical(word: str, float_format: FloatFormat) -> str:
    """Return a word with the one spelling of zero, +0, and of infinity, whose fraction is 0.

    Inside a column only the exponent of these counts (of infinity the sign too).
    """
    special = infinity(sign(word, float_format), float_format)
    inner = f"(ite {is_infinite(word, float_format)} {special} {word})"
    return f"(ite {is_zero(word, float_format)} {number(0, float_format.width)} {inner})"


def rounded(
    definitions: Definitions,
    result: FloatFormat,
    rounding: Rounding,
    *,
    negative: str,
    magnitude: str,
    width: int,
    scale: str,
    scale_bits: int,
) -> str:
    """Return the word of ``magnitude * 2**scale``, rounded once.

    Parameters
    ----------
    definitions:
        Take what is defined on the way.
    result, rounding:
        The word's format, and how to round to it.
    negative:
        The sign, one bit.
    magnitude, width:
        The exact value's digits, a whole number of ``width`` bits; 0 gives +0.
    scale, scale_bits:
        Signed: the exponent of a ``magnitude`` of 1, with the result's bias added. It must be so wide that
        adding ``width`` does not overflow.
    """
    # The leading one to the top, and at least two places below those that are kept.
    define = definitions.vector
    spare = max(0, result.significand_bits + 2 - width)
    whole = width + spare
    digits = define(whole, f"(concat {magnitude} {number(0, spare)})" if spare else magnitude)
    zeros = number(whole, scale_bits)
    for place in range(whole):
        zeros = f"(ite (= {bits(digits, place, place)} #b1) {number(whole - 1 - place, scale_bits)} {zeros})"
    leading_zeros = define(scale_bits, zeros)
    resized = bits(leading_zeros, whole - 1, 0) if whole < scale_bits else leading_zeros
    resized = widen(resized, whole - scale_bits) if whole > scale_bits else resized
    normal = define(whole, f"(bvshl {digits} {resized})")
    # Of the leading one, its place having been width - 1 - zeros (those of ``spare`` cancel).
    power = define(scale_bits, f"(bvsub (bvadd {scale} {number(width - 1, scale_bits)}) {leading_zeros})")
    kept_bits = result.significand_bits
    dropped = whole - kept_bits
    kept = define(kept_bits, bits(normal, whole - 1, dropped))
    if rounding is Rounding.NEAREST_EVEN:
        half = f"(= {bits(normal, dropped - 1, dropped - 1)} #b1)"
        more = f"(distinct {bits(normal, dropped - 2, 0)} {number(0, dropped - 1)})"
        odd = f"(= {bits(kept, 0, 0)} #b1)"
        up = f"(ite (and {half} (or {more} {odd})) {number(1, kept_bits + 1)} {number(0, kept_bits + 1)})"
        total = define(kept_bits + 1, f"(bvadd {widen(kept, 1)} {up})")
        carried = f"(= {bits(total, kept_bits, kept_bits)} #b1)"
        # Rounded up to the next power of two the fraction is 0, in both places.
        fraction = bits(total, result.fraction_bits - 1, 0)
        raised = f"(ite {carried} {number(1, scale_bits)} {number(0, scale_bits)})"
        power = define(scale_bits, f"(bvadd {power} {raised})")
    else:
        fraction = bits(kept, result.fraction_bits - 1, 0)
    field = bits(power, result.exponent_bits - 1, 0)
    word = f"(concat {negative} (concat {field} {fraction}))"
    too_large = f"(bvsge {power} {number(result.infinity_exponent, scale_bits)})"
    too_small = f"(bvsle {power} {number(0, scale_bits)})"
    nothing = f"(= {digits} {number(0, whole)})"
    return define(
        result.width,
        f"(ite (or {nothing} {too_small}) {number(0, result.width)} "
        f"(ite {too_large} {infinity(negative, result)} {word}))",
    )
