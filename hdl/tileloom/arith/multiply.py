"""Multiplication: a floating-point word times an encoded factor, rounded once.

```
 a ------> 1.fraction --.
                        (*) --[rows]--> (+) --[raw]--> Round --> product
 factor -> 1.fraction --'                                                                          ^
 exponents, signs ------------[rows]----------[raw]------------------------------------------------'
```

The product always ends in a register; ``[rows]`` and ``[raw]`` are where others can be.

``Multiply`` is what a processing element uses. ``FloatMultiply`` and ``HybridMultiply`` take plain words.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Format, Rounding
from ..hierarchy import add_shared
from .carry_save import Rows, carry_save_by_digits
from .digits import DigitProduct
from .factor import EncodeFactor, FactorFormat, significand
from .pipeline import register
from .rounding import Round, as_signed, signed_width


class Multiply(wiring.Component):
    """The product of a word and an encoded factor, rounded to ``result``.

    Parameters
    ----------
    a, factor:
        Formats of the operands.
    result, rounding:
        Format of the product, and how it is rounded.
    stages:
        Registers between operands and product, 1 to 3, all moving on ``enable``: the latency in enabled
        cycles. 1: the product. 2: also the raw product of the significands. 3: also its two rows, before
        they are added.
    carry_save:
        Of two stages: keep the rows instead of their sum, which takes more flip-flops and a shorter cycle.
    exact_specials:
        As in ``Round``.
    told_zeros:
        Whether ``a`` is zero is told at a port ``a_zero``, and the word is not looked at for it.

    Ports: ``enable`` (in), ``a`` (in, word), ``b`` (in, encoded factor), ``product`` (out, word).
    """

    def __init__(
        self,
        a: FloatFormat,
        factor: FactorFormat,
        result: FloatFormat,
        rounding: Rounding,
        *,
        stages: int = 1,
        carry_save: bool = False,
        exact_specials: bool = True,
        told_zeros: bool = False,
    ) -> None:
        if not 1 <= stages <= 3:
            raise ValueError(f"stages must be from 1 to 3, not {stages}")
        self.a_format = a
        self.factor = factor
        self.result = result
        self.rounding = rounding
        self.keeps_rows = stages == 3 or (stages == 2 and carry_save)
        self.keeps_raw = stages == 3 or (stages == 2 and not carry_save)
        self.exact_specials = exact_specials
        self.told_zeros = told_zeros
        super().__init__(
            {
                "enable": In(1),
                "a": In(a.width),
                "b": In(factor.layout),
                "product": Out(result.width),
                **({"a_zero": In(1)} if told_zeros else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        a, factor, result = self.a_format, self.factor, self.result
        a_exponent = self.a[a.fraction_bits : -1]

        # Exponent of a product below 2; one more where it is 2 or more.
        constant = result.bias - a.bias - factor.bias
        low = 1 + factor.exponents[0] + constant
        high = a.infinity_exponent - 1 + factor.exponents[1] + constant
        exponent, addend = as_signed(a_exponent) + constant, as_signed(self.b.exponent)
        a_significand = significand(self.a[: a.fraction_bits], a.fraction_bits)
        b_bits = factor.fraction_bits + 1
        width = len(a_significand) + b_bits
        # Of what lies below the guard bit it matters only whether it is zero. It is if the zeros at the ends
        # of both factors together reach up to there: no adder is needed to know.
        below = max(0, width - result.fraction_bits - 3)
        b_lower = significand(self.b.digits[: factor.fraction_bits], factor.fraction_bits)
        flags = Signal(data.StructLayout({"negative": 1, "zero": 1, "sticky": 1}))
        m.d.comb += [
            flags.negative.eq(self.a[-1] ^ self.b.negative),
            flags.zero.eq(
                (self.a_zero if self.told_zeros else a_exponent == 0) | (self.b.exponent == factor.zero)
            ),
            flags.sticky.eq(
                Cat(bit & b_lower[: below - i].any() for i, bit in enumerate(a_significand[:below])).any()
            ),
        ]

        product = Signal(unsigned(width))
        if self.keeps_rows or self.keeps_raw:
            whole = Signal(signed(signed_width(low, high)))
            m.d.comb += whole.eq(exponent + addend)
            exponent, addend = whole, Const(0, 1)
        if self.keeps_rows:
            m.submodules.carry_save = carry_save = Module()
            rows = carry_save_by_digits(carry_save, platform, a_significand, self.b.digits)
            held = Rows(
                **{
                    name: register(m, self.enable, value, f"rows_{name}")
                    for name, value in vars(rows).items()
                }
            )
            exponent = register(m, self.enable, exponent, "exponent_of_rows")
            flags = register(m, self.enable, flags, "flags_of_rows")
            m.d.comb += product.eq(held.sum)
        elif factor.digit_bits:
            a_bits = len(a_significand)
            digit_product = add_shared(
                m, platform, "digit_product", "digit_product", lambda: DigitProduct(a_bits, b_bits)
            )
            m.d.comb += [
                digit_product.a.eq(a_significand),
                digit_product.digits.eq(self.b.digits),
                product.eq(digit_product.product),
            ]
        else:
            m.d.comb += product.eq(a_significand)

        upper_product = product[below:]
        if self.keeps_raw:
            upper_product = register(m, self.enable, upper_product, "raw")
            exponent = register(m, self.enable, exponent, "exponent_of_raw")
            flags = register(m, self.enable, flags, "flags_of_raw")

        largest = ((1 << len(a_significand)) - 1) * ((1 << b_bits) - 1)
        places = max(0, width - 1 - result.fraction_bits)
        m.submodules.round = rounder = Round(
            result,
            self.rounding,
            integer_bits=2,
            fraction_bits=len(upper_product) - 2,
            exponents=(low, high + 1),
            exact_specials=self.exact_specials,
            below_four=largest + (1 << places >> 1) < 1 << width,
        )
        m.d.comb += [
            rounder.exponent.eq(exponent),
            rounder.addend.eq(addend),
            rounder.significand.eq(upper_product),
            rounder.sticky.eq(flags.sticky),
            rounder.negative.eq(flags.negative),
            rounder.zero.eq(flags.zero),
            self.product.eq(register(m, self.enable, rounder.word, "word")),
        ]
        return m


class FloatMultiply(wiring.Component):
    """The product of two words; ``b`` may be of any format, a sign-magnitude integer among them.

    Options as of ``Multiply``.

    Ports: ``enable``, ``a``, ``b`` (in, words), ``product`` (out, word). Latency: ``stages`` enabled cycles.
    """

    def __init__(
        self,
        a: FloatFormat,
        b: Format,
        result: FloatFormat,
        rounding: Rounding,
        *,
        stages: int = 1,
        carry_save: bool = False,
        exact_specials: bool = True,
        told_zeros: bool = False,
    ) -> None:
        self.encode = EncodeFactor(b)
        self.multiply = Multiply(
            a,
            self.encode.encoding,
            result,
            rounding,
            stages=stages,
            carry_save=carry_save,
            exact_specials=exact_specials,
            told_zeros=told_zeros,
        )
        super().__init__(
            {
                "enable": In(1),
                "a": In(a.width),
                "b": In(b.width),
                "product": Out(result.width),
                **({"a_zero": In(1)} if told_zeros else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.encode = self.encode
        m.submodules.multiply = self.multiply
        if self.multiply.told_zeros:
            m.d.comb += self.multiply.a_zero.eq(self.a_zero)
        m.d.comb += [
            self.multiply.enable.eq(self.enable),
            self.multiply.a.eq(self.a),
            self.encode.word.eq(self.b),
            self.multiply.b.eq(self.encode.factor),
            self.product.eq(self.multiply.product),
        ]
        return m


class HybridMultiply(FloatMultiply):
    """The product of a floating-point word and a sign-magnitude integer (SASP's FP32 x INT8 multiplier)."""
