"""The one rounding and packing step: the end of every multiplication and of every addition.

``Round`` takes a result that is exact, or exact up to a sticky bit, with its leading one in place, and makes
a word of it: rounds, turns what is too large into infinity and what is too small into +0.
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


class Round(wiring.Component):
    """Rounds ``1.fraction * 2**(exponent + addend + raised)`` to a word. Combinational.

    Overflow and underflow are those of the rounded result, as if exponents had no end. Limits that
    ``exponents`` cannot reach cost no gate. The exponent comes in parts so that one adder does for all of
    them, the carry out of a rounded fraction included.

    Parameters
    ----------
    result, rounding:
        The word's format, and how to round to it.
    fraction_bits:
        Bits of the incoming fraction, more or fewer than the result has.
    exponents:
        Smallest and largest value, bias included, of the exponent before rounding.
    exact_specials:
        Clear the fraction (and of a zero the sign) of zero and infinity. ``Add`` looks at the exponent alone
        there, so what only goes to an adder can do without the gates; ``exact_specials`` makes up for it
        where such words leave the hardware.
    raised_fits:
        Where ``raised`` is high the fraction does not carry over when rounded: the two are one bit.

    Ports, all but ``word`` inputs: ``negative``; ``exponent``, ``addend`` (signed), ``raised``; ``fraction``;
    ``sticky`` (something below the fraction is not zero; NEAREST_EVEN alone looks at it); ``zero`` (the
    result is zero, whatever the exponent says); ``word``.
    """

    def __init__(
        self,
        result: FloatFormat,
        rounding: Rounding,
        *,
        fraction_bits: int,
        exponents: tuple[int, int],
        exact_specials: bool = True,
        raised_fits: bool = False,
    ) -> None:
        self.result = result
        self.rounding = rounding
        self.fraction_bits = fraction_bits
        self.exponents = exponents
        self.exact_specials = exact_specials
        self.raised_fits = raised_fits
        low, high = exponents
        self.width = signed_width(low, high + (rounding is Rounding.NEAREST_EVEN))
        super().__init__(
            {
                "negative": In(1),
                "exponent": In(signed(self.width)),
                "addend": In(signed(self.width)),
                "raised": In(1),
                "fraction": In(fraction_bits),
                "sticky": In(1),
                "zero": In(1),
                "word": Out(result.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        kept = self.result.fraction_bits
        dropped = self.fraction_bits - kept
        low, high = self.exponents
        rounds_up = self.rounding is Rounding.NEAREST_EVEN and dropped > 0

        fraction = Signal(unsigned(kept))
        carry = Signal()
        if dropped <= 0:
            m.d.comb += fraction.eq(Cat(Const(0, -dropped), self.fraction))
        elif rounds_up:
            guard = self.fraction[dropped - 1]
            below = self.fraction[: dropped - 1].any() | self.sticky
            upper = self.fraction[dropped:]
            # A carry out of the fraction leaves it zero and belongs in the exponent.
            m.d.comb += Cat(fraction, carry).eq(upper + (guard & (upper[0] | below)))
        else:
            m.d.comb += fraction.eq(self.fraction[dropped:])

        # One bit is added as a carry into the lowest place, the other, if there are two, to the addend.
        exponent = Signal(signed(self.width))
        addend, into = self.addend, carry
        if not rounds_up:
            into = self.raised
        elif self.raised_fits:
            into = self.raised | carry
        else:
            addend = self.addend + as_signed(self.raised)
        m.d.comb += exponent.eq(
            (Cat(Const(1, 1), self.exponent).as_signed() + Cat(into, addend[: self.width]).as_signed())[1:]
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
