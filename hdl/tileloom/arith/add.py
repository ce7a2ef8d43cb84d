"""Addition of two floating-point words, rounded once: the adder of a processing element.

```
 a --.           larger ------------------------------> (+/-) --> Normalise --> Normalise --> Round --> sum
      >-- Align -                                         ^       by 16 places   by 8 and less
 b --'           smaller, moved right to larger's places -'

 cut points:   [order]                           [align]     [add]         [coarse]     [normalise]   [sum]
```

``[order]`` is within Align, between finding the larger operand and moving the other.

One path serves near and far operands: the operand of larger magnitude is found first, so that a difference is
never negative and at most one of alignment and normalisation moves by more than one place.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..formats import FloatFormat, Rounding
from .pipeline import register
from .rounding import Round, as_signed

CUTS: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("sum",),
    2: ("add", "sum"),
    3: ("align", "coarse", "sum"),
    4: ("align", "add", "normalise", "sum"),
    5: ("order", "align", "coarse", "normalise", "sum"),
}
"""Where an adder of so many stages has its registers."""


def guard_places(rounding: Rounding) -> int:
    """Return the places that the aligned operands keep below the fraction.

    A difference that moves left by one place uses up one of them; NEAREST_EVEN needs one more, to round by.
    """
    return 1 if rounding is Rounding.TRUNCATE else 2


def side_layout(float_format: FloatFormat) -> data.StructLayout:
    """Return what travels beside the significands: exponent and sign of the larger operand, and sticky."""
    return data.StructLayout({"exponent": float_format.exponent_bits, "negative": 1, "sticky": 1})


class Align(wiring.Component):
    """Finds the operand of larger magnitude and moves the other's significand to its places.

    Combinational, or with ``ordered`` with a register between the two that moves on a port ``enable``.

    An operand whose exponent is 0 is zero. Beside infinity, too, the smaller operand is made zero: the larger
    one then passes unchanged. Of two infinities ``a`` gives the sign.

    Ports: ``a``, ``b`` (in, words); ``larger`` (out, ``1.fraction``); ``smaller`` (out, the same and
    ``guard_places`` more); ``subtract`` (out, the signs differ); ``side`` (out), whose ``sticky`` says that
    something of the smaller operand lies below its places.
    """

    def __init__(self, float_format: FloatFormat, rounding: Rounding, *, ordered: bool = False) -> None:
        self.format = float_format
        self.ordered = ordered
        self.guards = guard_places(rounding)
        significand_bits = float_format.significand_bits
        super().__init__(
            {
                "a": In(float_format.width),
                "b": In(float_format.width),
                "larger": Out(significand_bits),
                "smaller": Out(significand_bits + self.guards),
                "subtract": Out(1),
                "side": Out(side_layout(float_format)),
                **({"enable": In(1)} if ordered else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        fraction_bits, exponent_bits = self.format.fraction_bits, self.format.exponent_bits
        limit = self.format.infinity_exponent
        word = data.StructLayout({"fraction": fraction_bits, "exponent": exponent_bits, "negative": 1})
        a, b = data.View(word, self.a), data.View(word, self.b)

        swap = Signal()
        larger, smaller = Signal(word), Signal(word)
        m.d.comb += [
            swap.eq(self.b[:-1] > self.a[:-1]),
            larger.eq(Mux(swap, self.b, self.a)),
            smaller.eq(Mux(swap, self.a, self.b)),
        ]

        places = len(self.smaller)
        levels = min(places.bit_length(), exponent_bits)
        # Both differences at the same time as the comparison: with one of them after it, the distance
        # would be the longest path of the element.
        a_above = Signal(unsigned(exponent_bits))
        b_above = Signal(unsigned(exponent_bits))
        distance = Signal(unsigned(exponent_bits))
        a_infinite, present = Signal(), Signal()
        m.d.comb += [
            a_above.eq((a.exponent - b.exponent)[:exponent_bits]),
            b_above.eq((b.exponent - a.exponent)[:exponent_bits]),
            distance.eq(Mux(swap, b_above, a_above)),
            a_infinite.eq(a.exponent == limit),
            present.eq((smaller.exponent != 0) & ~a_infinite & (b.exponent != limit)),
        ]
        subtract, negative = a.negative ^ b.negative, Mux(a_infinite, a.negative, larger.negative)
        larger_fraction, larger_exponent, smaller_fraction = (
            larger.fraction,
            larger.exponent,
            smaller.fraction,
        )
        if self.ordered:
            distance = register(m, self.enable, distance, "distance_of_ordered")
            present = register(m, self.enable, present, "present_of_ordered")
            subtract = register(m, self.enable, subtract, "subtract_of_ordered")
            negative = register(m, self.enable, negative, "negative_of_ordered")
            larger_fraction = register(m, self.enable, larger_fraction, "larger_fraction")
            larger_exponent = register(m, self.enable, larger_exponent, "larger_exponent")
            smaller_fraction = register(m, self.enable, smaller_fraction, "smaller_fraction")
        shifted: Signal = Cat(Const(0, self.guards), smaller_fraction, Const(1, 1))
        lost = Const(0, 1)
        for level in range(levels):
            step = 1 << level
            moved = Signal(unsigned(places), name=f"moved_{step}")
            lost_here = Signal(name=f"lost_{step}")
            m.d.comb += [
                moved.eq(Mux(distance[level], shifted[step:], shifted)),
                lost_here.eq(lost | (distance[level] & shifted[:step].any())),
            ]
            shifted, lost = moved, lost_here
        # So far that all of it lies below.
        beyond = Signal()
        m.d.comb += [
            beyond.eq(distance[levels:].any()),
            self.larger.eq(Cat(larger_fraction, Const(1, 1))),
            self.smaller.eq(shifted & (present & ~beyond).replicate(places)),
            self.subtract.eq(subtract),
            self.side.exponent.eq(larger_exponent),
            self.side.negative.eq(negative),
            self.side.sticky.eq(present & (lost | beyond)),
        ]
        return m


class Normalise(wiring.Component):
    """Moves a sum left by each of ``steps`` places, the largest first, that are all 0. Combinational.

    Parameters
    ----------
    width:
        Of the sum.
    steps:
        Powers of two, from small to large. With all of them below ``width`` the leading one ends up in the
        top place, unless ``value`` is 0.

    Ports: ``value`` (in, ``width``), ``normal`` (out, ``width``), ``moved`` (out, one bit per step).
    """

    def __init__(self, width: int, steps: Sequence[int]) -> None:
        self.width = width
        self.steps = steps
        super().__init__({"value": In(width), "normal": Out(width), "moved": Out(len(steps))})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        value = self.value
        for level, step in reversed(list(enumerate(self.steps))):
            moved = Signal(unsigned(self.width), name=f"moved_{step}")
            empty = Signal(name=f"empty_{step}")
            m.d.comb += [
                empty.eq(~value[-step:].any()),
                moved.eq(Mux(empty, Cat(Const(0, step), value[:-step]), value)),
                self.moved[level].eq(empty),
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
        Registers between operands and sum, 0 to 5, all moving on ``enable``: the latency in enabled cycles.
        ``CUTS`` says where they are.
    exact_specials:
        As in ``Round``.

    Ports: ``enable`` (in), ``a``, ``b`` (in, words), ``sum`` (out, word). Of operands that are zero or
    infinite only sign and exponent count.
    """

    def __init__(
        self, float_format: FloatFormat, rounding: Rounding, *, stages: int = 1, exact_specials: bool = True
    ) -> None:
        if stages not in CUTS:
            raise ValueError(f"stages must be from 0 to {max(CUTS)}, not {stages}")
        self.format = float_format
        self.rounding = rounding
        self.cuts = CUTS[stages]
        self.exact_specials = exact_specials
        width = float_format.width
        super().__init__({"enable": In(1), "a": In(width), "b": In(width), "sum": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        guards = guard_places(self.rounding)
        sum_bits = self.format.significand_bits + guards + 1

        m.submodules.align = align = Align(self.format, self.rounding, ordered="order" in self.cuts)
        if align.ordered:
            m.d.comb += align.enable.eq(self.enable)
        m.d.comb += [align.a.eq(self.a), align.b.eq(self.b)]
        larger = self._cut(m, "align", align.larger, "larger")
        smaller = self._cut(m, "align", align.smaller, "smaller")
        subtract = self._cut(m, "align", align.subtract, "subtract")
        side = self._cut(m, "align", align.side, "side_of_aligned")

        # What the smaller operand has below its places makes a difference smaller by a part of the lowest
        # place: without the carry into it, it is rounded down, and sticky is right for the rest. The top bit
        # is the carry of a sum; a difference is never negative.
        raw = Signal(unsigned(sum_bits))
        total = Signal(unsigned(sum_bits))
        m.d.comb += [
            raw.eq(
                Cat(Const(0, guards), larger)
                + (smaller ^ subtract.replicate(len(smaller)))
                + (subtract & ~side.sticky)
            ),
            total.eq(Cat(raw[:-1], raw[-1] & ~subtract)),
        ]
        total = self._cut(m, "add", total, "total")
        side = self._cut(m, "add", side, "side_of_total")

        steps = [1 << level for level in range((sum_bits - 1).bit_length())]
        m.submodules.normalise_coarse = coarse = Normalise(sum_bits, steps[-1:])
        m.d.comb += coarse.value.eq(total)
        coarsely = self._cut(m, "coarse", coarse.normal, "coarse_total")
        upper = self._cut(m, "coarse", coarse.moved, "coarse_places")
        side = self._cut(m, "coarse", side, "side_of_coarse")

        m.submodules.normalise_fine = fine = Normalise(sum_bits, steps[:-1])
        m.d.comb += fine.value.eq(coarsely)
        normal = self._cut(m, "normalise", fine.normal, "normal")
        places = self._cut(m, "normalise", Cat(fine.moved, upper), "places")
        side = self._cut(m, "normalise", side, "side_of_normal")

        # The place of the carry is one above the larger operand's leading one.
        low, high = 1 - ((1 << len(places)) - 1), self.format.infinity_exponent
        m.submodules.round = rounder = Round(
            self.format,
            self.rounding,
            integer_bits=1,
            fraction_bits=sum_bits - 1,
            exponents=(low, high),
            exact_specials=self.exact_specials,
        )
        m.d.comb += [
            # exponent + 1 - places, of which -places - 1 is an inversion.
            rounder.exponent.eq(as_signed(side.exponent) + 2),
            rounder.addend.eq(~as_signed(places)),
            rounder.significand.eq(normal),
            rounder.sticky.eq(side.sticky),
            rounder.negative.eq(side.negative),
            rounder.zero.eq(~normal[-1]),
            self.sum.eq(self._cut(m, "sum", rounder.word, "word")),
        ]
        return m

    def _cut(self, m: Module, place: str, value: Signal, name: str) -> Signal:
        return register(m, self.enable, value, name) if place in self.cuts else value
