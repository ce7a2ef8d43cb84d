"""Addition of two floating-point words, rounded once: the adder of a processing element.

```
 a --.                 larger ------------------------------> (+/-) --> Normalise --> Round --> sum
      >-- Align -------                                         ^
 b --'                 smaller, moved right to larger's places -'

 cut points:                                           [align]     [add]         [normalise]   [sum]
```

One path serves near and far operands: the operand of larger magnitude is found first, so that a difference is
never negative and at most one of alignment and normalisation moves by more than one place.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Rounding
from .pipeline import register
from .rounding import Round, signed_width

CUTS = {
    1: ("sum",),
    2: ("add", "sum"),
    3: ("align", "add", "sum"),
    4: ("align", "add", "normalise", "sum"),
}
"""Where an adder of so many stages has its registers."""


def extra_places(rounding: Rounding) -> int:
    """Return the places that the aligned operands keep below the fraction, the sticky bit among them.

    A difference that moves left by one place uses up one of them; what is left is the sticky bit (a borrow
    when truncating), and for NEAREST_EVEN also the guard bit.
    """
    return 2 if rounding is Rounding.TRUNCATE else 3


def side_layout(float_format: FloatFormat) -> data.StructLayout:
    """Return what travels beside the significands: exponent and sign of the larger operand, infinity."""
    return data.StructLayout({"exponent": float_format.exponent_bits, "negative": 1, "infinite": 1})


class Align(wiring.Component):
    """Finds the operand of larger magnitude and moves the other's significand to its places. Combinational.

    An operand whose exponent is 0 is zero. Where either is infinite so is the sum, with the sign of ``a`` if
    ``a`` is infinite and of ``b`` otherwise.

    Ports: ``a``, ``b`` (in, words); ``larger`` (out, ``1.fraction``); ``smaller`` (out, the same and
    ``extra_places`` more, of which the lowest is sticky); ``subtract`` (out, the signs differ); ``side``.
    """

    def __init__(self, float_format: FloatFormat, rounding: Rounding) -> None:
        self.format = float_format
        self.extra = extra_places(rounding)
        significand_bits = float_format.significand_bits
        super().__init__(
            {
                "a": In(float_format.width),
                "b": In(float_format.width),
                "larger": Out(significand_bits),
                "smaller": Out(significand_bits + self.extra),
                "subtract": Out(1),
                "side": Out(side_layout(float_format)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        fraction_bits, exponent_bits = self.format.fraction_bits, self.format.exponent_bits
        word = data.StructLayout({"fraction": fraction_bits, "exponent": exponent_bits, "negative": 1})
        a, b = data.View(word, self.a), data.View(word, self.b)

        swap = Signal()
        larger, smaller = Signal(word), Signal(word)
        m.d.comb += [
            swap.eq(self.b[:-1] > self.a[:-1]),
            larger.eq(Mux(swap, self.b, self.a)),
            smaller.eq(Mux(swap, self.a, self.b)),
        ]

        # A shift by more than all places leaves the sticky bit alone, and of zero not even that.
        places = fraction_bits + self.extra
        levels = places.bit_length()
        distance = Signal(unsigned(exponent_bits))
        present = Signal()
        m.d.comb += [
            distance.eq((larger.exponent - smaller.exponent)[:exponent_bits]),
            present.eq(smaller.exponent != 0),
        ]
        shifted: Signal = Cat(Const(0, self.extra - 1), smaller.fraction, Const(1, 1))
        sticky = Const(0, 1)
        for level in range(min(levels, exponent_bits)):
            step = 1 << level
            moved = Signal(unsigned(places), name=f"moved_{step}")
            lost = Signal(name=f"lost_{step}")
            m.d.comb += [
                moved.eq(Mux(distance[level], shifted[step:], shifted)),
                lost.eq(sticky | (distance[level] & shifted[:step].any())),
            ]
            shifted, sticky = moved, lost
        near = Signal()
        m.d.comb += [
            near.eq(~distance[levels:].any()),
            self.smaller.eq(Mux(present, Cat(sticky | (~near), shifted & near.replicate(places)), 0)),
            self.larger.eq(Cat(larger.fraction, Const(1, 1))),
            self.subtract.eq(a.negative ^ b.negative),
        ]

        limit = self.format.infinity_exponent
        a_infinite = Signal()
        m.d.comb += [
            a_infinite.eq(a.exponent == limit),
            self.side.exponent.eq(larger.exponent),
            self.side.infinite.eq(larger.exponent == limit),
            self.side.negative.eq(Mux(a_infinite, a.negative, larger.negative)),
        ]
        return m


class Normalise(wiring.Component):
    """Moves a sum left until its leading one is in the top place. Combinational.

    Ports: ``value`` (in, ``width``), ``normal`` (out, ``width``; its top bit is 0 only if ``value`` is 0),
    ``places`` (out, how far it moved).
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({"value": In(width), "normal": Out(width), "places": Out((width - 1).bit_length())})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        value = self.value
        for level in reversed(range(len(self.places))):
            step = 1 << level
            moved = Signal(unsigned(self.width), name=f"moved_{step}")
            empty = Signal(name=f"empty_{step}")
            m.d.comb += [
                empty.eq(~value[-step:].any()),
                moved.eq(Mux(empty, Cat(Const(0, step), value[:-step]), value)),
                self.places[level].eq(empty),
            ]
            value = moved
        m.d.comb += self.normal.eq(value)
        return m


class Add(wiring.Component):
    """The sum of two words, rounded.

    Parameters
    ----------
    float_format, rounding:
        Format of operands and sum, and how it is rounded.
    stages:
        Registers between operands and sum, 1 to 4, all moving on ``enable``: the latency in enabled cycles.
        ``CUTS`` says where they are.

    Ports: ``enable`` (in), ``a``, ``b`` (in, words), ``sum`` (out, word). Of operands that are zero or
    infinite only sign and exponent count.
    """

    def __init__(self, float_format: FloatFormat, rounding: Rounding, *, stages: int = 1) -> None:
        if stages not in CUTS:
            raise ValueError(f"stages must be from 1 to {max(CUTS)}, not {stages}")
        self.format = float_format
        self.rounding = rounding
        self.cuts = CUTS[stages]
        width = float_format.width
        super().__init__({"enable": In(1), "a": In(width), "b": In(width), "sum": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        extra = extra_places(self.rounding)
        sum_bits = self.format.significand_bits + extra + 1

        m.submodules.align = align = Align(self.format, self.rounding)
        m.d.comb += [align.a.eq(self.a), align.b.eq(self.b)]
        larger, smaller, subtract, side = (
            self._cut(m, "align", value, name)
            for value, name in (
                (align.larger, "larger"),
                (align.smaller, "smaller"),
                (align.subtract, "subtract"),
                (align.side, "side_of_aligned"),
            )
        )

        # The top bit is the carry of a sum; a difference is never negative and leaves it 0.
        total = Signal(unsigned(sum_bits))
        inverted = smaller ^ subtract.replicate(len(smaller))
        raw = Signal(unsigned(sum_bits))
        m.d.comb += [
            raw.eq(Cat(Const(0, extra), larger) + inverted + subtract),
            total.eq(Cat(raw[:-1], raw[-1] & ~subtract)),
        ]
        total, side = self._cut(m, "add", total, "total"), self._cut(m, "add", side, "side_of_total")

        m.submodules.normalise = normalise = Normalise(sum_bits)
        m.d.comb += normalise.value.eq(total)
        normal, places, side = (
            self._cut(m, "normalise", value, name)
            for value, name in (
                (normalise.normal, "normal"),
                (normalise.places, "places"),
                (side, "side_of_normal"),
            )
        )

        # The carry's place is one above the larger operand's leading one.
        largest = self.format.infinity_exponent
        exponents = (1 - ((1 << len(places)) - 1), largest + 1)
        exponent = Signal(signed(signed_width(*exponents)))
        m.submodules.round = rounder = Round(
            self.format, self.rounding, fraction_bits=sum_bits - 1, exponents=exponents
        )
        m.d.comb += [
            exponent.eq(
                Cat(side.exponent, Const(0, 1)).as_signed() + 1 - Cat(places, Const(0, 1)).as_signed()
            ),
            rounder.exponent.eq(exponent),
            rounder.fraction.eq(normal[:-1]),
            rounder.negative.eq(side.negative),
            rounder.zero.eq(~normal[-1]),
            rounder.infinite.eq(side.infinite),
            self.sum.eq(self._cut(m, "sum", rounder.word, "word")),
        ]
        return m

    def _cut(self, m: Module, place: str, value: Signal, name: str) -> Signal:
        return register(m, self.enable, value, name) if place in self.cuts else value
