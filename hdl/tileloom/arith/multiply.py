"""Multiplication: a floating-point word times an encoded factor, rounded once.

```
 a ------> 1.fraction --.
                        (*) --[cut 2]-- one place left, unless it is 2 or more --> Round --[cut 1]--> product
 factor -> 1.fraction --'                                                            ^
 exponents, signs -----------[cut 2]-------------------------------------------------'
```

``Multiply`` is what a processing element uses. ``FloatMultiply`` and ``HybridMultiply`` take plain words.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Format, Rounding, SignMagnitude
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
        cycles. 1: the product. 2: also the raw product of the significands. 3: also two partial products.
    exact_specials:
        As in ``Round``.

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
        exact_specials: bool = True,
    ) -> None:
        if not 1 <= stages <= 3:
            raise ValueError(f"stages must be from 1 to 3, not {stages}")
        self.a_format = a
        self.factor = factor
        self.result = result
        self.rounding = rounding
        self.stages = stages
        self.exact_specials = exact_specials
        super().__init__(
            {"enable": In(1), "a": In(a.width), "b": In(factor.layout), "product": Out(result.width)}
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
        signs = Signal(data.StructLayout({"negative": 1, "zero": 1}))
        m.d.comb += [
            signs.negative.eq(self.a[-1] ^ self.b.negative),
            signs.zero.eq((a_exponent == 0) | (self.b.exponent == factor.zero)),
        ]

        a_significand = significand(self.a[: a.fraction_bits], a.fraction_bits)
        b_significand = significand(self.b.fraction, factor.fraction_bits)
        product = Signal(unsigned(len(a_significand) + len(b_significand)))
        if self.stages >= 2:
            whole = Signal(signed(signed_width(low, high)))
            m.d.comb += whole.eq(exponent + addend)
            exponent, addend = whole, Const(0, 1)
        if self.stages >= 3:
            half = len(b_significand) // 2
            lower = register(m, self.enable, a_significand * b_significand[:half], "lower")
            upper = register(m, self.enable, a_significand * b_significand[half:], "upper")
            exponent = register(m, self.enable, exponent, "exponent_of_halves")
            signs = register(m, self.enable, signs, "signs_of_halves")
            m.d.comb += product.eq(lower + Cat(Const(0, half), upper))
        else:
            m.d.comb += product.eq(a_significand * b_significand)

        # What lies below the guard bit, wherever the leading one is, matters only by not being zero.
        below = max(0, len(product) - result.fraction_bits - 3)
        upper_product, sticky = Signal(unsigned(len(product) - below)), Signal()
        m.d.comb += [upper_product.eq(product[below:]), sticky.eq(product[:below].any())]
        if self.stages >= 2:
            upper_product = register(m, self.enable, upper_product, "raw")
            sticky = register(m, self.enable, sticky, "raw_sticky")
            exponent = register(m, self.enable, exponent, "exponent_of_raw")
            signs = register(m, self.enable, signs, "signs_of_raw")

        top = upper_product[-1]
        largest = ((1 << len(a_significand)) - 1) * ((1 << len(b_significand)) - 1)
        places = max(0, len(product) - 1 - result.fraction_bits)
        m.submodules.round = rounder = Round(
            result,
            self.rounding,
            fraction_bits=len(upper_product) - 1,
            exponents=(low, high + 1),
            exact_specials=self.exact_specials,
            raised_fits=largest + (1 << places >> 1) < 1 << len(product),
        )
        m.d.comb += [
            rounder.exponent.eq(exponent),
            rounder.addend.eq(addend),
            rounder.raised.eq(top),
            rounder.fraction.eq(Mux(top, upper_product[:-1], Cat(Const(0, 1), upper_product[:-2]))),
            rounder.sticky.eq(sticky),
            rounder.negative.eq(signs.negative),
            rounder.zero.eq(signs.zero),
            self.product.eq(register(m, self.enable, rounder.word, "word")),
        ]
        return m


class FloatMultiply(wiring.Component):
    """The product of two words; ``b`` may be of any format, a sign-magnitude integer among them.

    Ports: ``enable``, ``a``, ``b`` (in, words), ``product`` (out, word). Latency: ``stages`` enabled cycles.
    """

    def __init__(
        self, a: FloatFormat, b: Format, result: FloatFormat, rounding: Rounding, *, stages: int = 1
    ) -> None:
        self.encode = EncodeFactor(b)
        self.multiply = Multiply(a, self.encode.encoding, result, rounding, stages=stages)
        super().__init__({"enable": In(1), "a": In(a.width), "b": In(b.width), "product": Out(result.width)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.encode = self.encode
        m.submodules.multiply = self.multiply
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

    def __init__(
        self, a: FloatFormat, b: SignMagnitude, result: FloatFormat, rounding: Rounding, *, stages: int = 1
    ) -> None:
        super().__init__(a, b, result, rounding, stages=stages)
