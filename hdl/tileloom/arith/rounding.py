"""The one rounding and packing step: the end of every multiplication and of every addition.

``Round`` takes a result that is exact, or exact up to a sticky bit, with its leading one in place or one
above, and makes a word of it: rounds, turns what is too large into infinity and what is too small into +0.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Rounding


def signed_width(low: int, high: int) -> int:
    """Return the fewest bits of a signed value that holds all from ``low`` to ``high``."""
    return max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1


def as_signed(value: Value) -> Value:
    """Return an unsigned value as a signed one that is a bit wider."""
    return Cat(value, Const(0, 1)).as_signed()


GROUP = 6
"""Bits of an incrementer that share one carry from the groups below."""


def increment(value: Value, late: Value) -> Value:
    """Return ``value + late``, one bit wider, for one bit that comes later than those of ``value``.

    Which bits change is known before it comes: it goes through two gates and an XOR, whatever the width.
    """
    bits: list[Value] = []
    carry = late
    for start in range(0, len(value), GROUP):
        group = value[start : start + GROUP]
        bits += [bit ^ (carry & group[:index].all()) for index, bit in enumerate(group)]
        carry = late & value[: start + len(group)].all()
    return Cat(*bits, carry)


class Round(wiring.Component):
    """Rounds ``significand * 2**(exponent + addend)`` to a word. Combinational.

    Overflow and underflow are those of the rounded result, as if exponents had no end. Limits that
    ``exponents`` cannot reach cost no gate. The exponent comes in parts so that one adder does for all of
    them, the place that the significand moves by when it is normalised or rounded included.

    Parameters
    ----------
    result, rounding:
        The word's format, and how to round to it.
    integer_bits, fraction_bits:
        Of the significand: from 1 to below 2 with one integer bit, from 1 to below 4 with two. The fraction
        may have more or fewer bits than the result's.
    exponents:
        Smallest and largest value, bias included, of the result's exponent before it is rounded.
    exact_specials:
        Clear the fraction (and of a zero the sign) of zero and infinity. ``Add`` looks at the exponent alone
        there, so what only goes to an adder can do without the gates; ``exact_specials`` makes up for it
        where such words leave the hardware.
    below_four:
        The significand is below 4 when it is rounded, too.

    Ports, all but ``word`` inputs: ``negative``; ``exponent``, ``addend`` (signed); ``significand``;
    ``sticky`` (something below the significand is not zero; NEAREST_EVEN alone looks at it); ``zero`` (the
    result is zero, whatever the exponent says); ``word``.
    """

    def __init__(
        self,
        result: FloatFormat,
        rounding: Rounding,
        *,
        integer_bits: int,
        fraction_bits: int,
        exponents: tuple[int, int],
        exact_specials: bool = True,
        below_four: bool = True,
    ) -> None:
        self.result = result
        self.rounding = rounding
        self.integer_bits = integer_bits
        self.fraction_bits = fraction_bits
        self.exponents = exponents
        self.exact_specials = exact_specials
        self.below_four = below_four
        low, high = exponents
        self.width = signed_width(low, high + (rounding is Rounding.NEAREST_EVEN))
        super().__init__(
            {
                "negative": In(1),
                "exponent": In(signed(self.width)),
                "addend": In(signed(self.width)),
                "significand": In(integer_bits + fraction_bits),
                "sticky": In(1),
                "zero": In(1),
                "word": Out(result.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        kept = self.result.fraction_bits
        low, high = self.exponents
        two_wide = self.integer_bits == 2
        missing = max(0, kept - self.fraction_bits)
        dropped = self.fraction_bits + missing - kept
        significand = Cat(Const(0, missing), self.significand)
        rounds_up = self.rounding is Rounding.NEAREST_EVEN and (dropped > 0 or two_wide)

        # Rounded at the lowest place of a significand below 2. From 2 on that place is the guard bit: where
        # it is rounded up it is 1, so that adding 1 to it carries into the lowest place kept.
        value = significand[dropped:]
        rounded = Signal(unsigned(kept + self.integer_bits + 1))
        if rounds_up:
            guard = significand[dropped - 1] if dropped else Const(0, 1)
            below = significand[: max(0, dropped - 1)].any() | self.sticky
            up = guard & (value[0] | below)
            if two_wide:
                up = Mux(value[-1], value[0] & (value[1] | guard | below), up)
            m.d.comb += rounded.eq(increment(value, up))
        else:
            m.d.comb += rounded.eq(value)
        raised = rounded[kept + 1 :].any()
        fraction = Mux(raised, rounded[1 : kept + 1], rounded[:kept]) if two_wide else rounded[:kept]

        # One adder: that the significand moved is the carry into its lowest place.
        exponent = Signal(signed(self.width))
        addend = self.addend
        if two_wide and not self.below_four:
            addend = addend + as_signed(rounded[kept + 2])
        m.d.comb += exponent.eq(
            (Cat(Const(1, 1), self.exponent).as_signed() + Cat(raised, addend[: self.width]).as_signed())[1:]
        )

        # An exponent that can only just reach the limit is infinity's without a gate.
        limit = self.result.infinity_exponent
        highest = high + rounds_up
        is_zero, is_infinite, beyond = Signal(), Signal(), Signal()
        m.d.comb += [
            is_zero.eq(self.zero | (exponent <= 0 if low <= 0 else 0)),
            is_infinite.eq(exponent >= limit if highest >= limit else 0),
            beyond.eq(is_infinite if highest > limit else 0),
        ]
        field = exponent[: self.result.exponent_bits] | beyond.replicate(self.result.exponent_bits)
        special = (is_zero | is_infinite) & self.exact_specials
        negative = self.negative & ~(is_zero & self.exact_specials)
        m.d.comb += self.word.eq(Cat(Mux(special, 0, fraction), Mux(is_zero, 0, field), negative))
        return m


def exact_specials(word: Value, float_format: FloatFormat) -> Value:
    """Return ``word`` with the fraction of zero and infinity, and the sign of zero, cleared."""
    fraction = word[: float_format.fraction_bits]
    exponent = word[float_format.fraction_bits : -1]
    zero = exponent == 0
    special = zero | (exponent == float_format.infinity_exponent)
    return Cat(Mux(special, 0, fraction), exponent, word[-1] & ~zero)
