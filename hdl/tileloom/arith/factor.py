"""The second factor of a product in the form in which a processing element keeps it.

A weight stays in its element for a whole tile, so whatever can be prepared in it is prepared once, at the
edge of the array, and not in every element. ``EncodeFactor`` turns a word into sign, exponent and the digits
of a significand whose leading one is in place (``digits``). An integer becomes a small floating-point number
that way: its normalisation costs one shifter per column instead of a wider one per element, and ``Multiply``
need not know that the weight was an integer.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Format, SignMagnitude
from .digits import encode


@dataclass(frozen=True)
class FactorFormat:
    """Layout and meaning of an encoded factor: ``1.fraction * 2**(exponent - bias)``, or zero.

    Attributes
    ----------
    exponent_bits, fraction_bits:
        Widths; ``fraction_bits`` may be 0. The significand ``1.fraction`` is kept as digits, in a bit more
        than the fraction has; without a fraction it is 1, and nothing is kept.
    bias:
        What is subtracted from the exponent.
    zero:
        The exponent code of zero; the fraction then means nothing.
    exponents:
        Smallest and largest exponent code of a factor that is not zero.
    """

    exponent_bits: int
    fraction_bits: int
    bias: int
    zero: int
    exponents: tuple[int, int]

    @classmethod
    def of(cls, number_format: Format) -> FactorFormat:
        """Return the encoding of a word of ``number_format``."""
        if isinstance(number_format, FloatFormat):
            largest = number_format.infinity_exponent - 1
            return cls(
                number_format.exponent_bits, number_format.fraction_bits, number_format.bias, 0, (1, largest)
            )
        # The exponent is the position of the leading one, 0 to magnitude_bits - 1. Zero takes the code of
        # all ones and not 0, so that the exponent needs no bias: none is then subtracted in the elements.
        exponent_bits = number_format.magnitude_bits.bit_length()
        zero = (1 << exponent_bits) - 1
        return cls(
            exponent_bits, number_format.magnitude_bits - 1, 0, zero, (0, number_format.magnitude_bits - 1)
        )

    @property
    def layout(self) -> data.StructLayout:
        """Fields of the encoded factor, least significant first."""
        return data.StructLayout({"digits": self.digit_bits, "exponent": self.exponent_bits, "negative": 1})

    @property
    def digit_bits(self) -> int:
        """Bits of the significand's digits."""
        return self.fraction_bits + 1 if self.fraction_bits else 0

    @property
    def width(self) -> int:
        """Bits of an encoded factor."""
        return 1 + self.exponent_bits + self.digit_bits


class EncodeFactor(wiring.Component):
    """Turns a word into an encoded factor. Combinational.

    Ports: ``word`` (in, the format's width), ``factor`` (out, ``FactorFormat.of(number_format).layout``).
    """

    def __init__(self, number_format: Format) -> None:
        self.number_format = number_format
        self.encoding = FactorFormat.of(number_format)
        super().__init__({"word": In(number_format.width), "factor": Out(self.encoding.layout)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        fraction_bits = self.encoding.fraction_bits
        fraction = Signal(fraction_bits)
        if isinstance(self.number_format, SignMagnitude):
            self._encode_integer(m, self.number_format, fraction)
        else:
            # Zero is code 0 in both.
            m.d.comb += [
                fraction.eq(self.word),
                self.factor.exponent.eq(self.word[fraction_bits:-1]),
                self.factor.negative.eq(self.word[-1]),
            ]
        if fraction_bits:
            m.d.comb += self.factor.digits.eq(self.kept(significand(fraction, fraction_bits)))
        return m

    def kept(self, whole: Value) -> Value:
        """Return a significand as it is kept, as wide."""
        return encode(whole)

    def _encode_integer(self, m: Module, number_format: SignMagnitude, fraction: Signal) -> None:
        magnitude = self.word[: number_format.magnitude_bits]
        top = number_format.magnitude_bits - 1
        m.d.comb += [
            self.factor.negative.eq(self.word[-1]),
            self.factor.exponent.eq(self.encoding.zero),
        ]
        # The last assignment wins: the highest bit that is set.
        for position in range(number_format.magnitude_bits):
            with m.If(magnitude[position]):
                m.d.comb += [
                    self.factor.exponent.eq(position),
                    fraction.eq(Cat(Const(0, top - position), magnitude[:position])),
                ]


def significand(fraction: Value, fraction_bits: int) -> Value:
    """Return ``1.fraction`` as an unsigned value of ``fraction_bits + 1`` bits."""
    return Cat(fraction, Const(1, 1)) if fraction_bits else Const(1, 1)
