"""Requantisation: INT32 results become INT8 on their way out, each column with its own numbers.

    q = saturate(round((result + bias) * scale / 2^shift) + zero),   then with ReLU max(q, zero)

``round`` takes halves away from zero or to the even integer, and ``saturate`` is to -128..127. Nothing before
it loses a bit. The zero point is 0 in engines that have none.

```
 result + bias --[total, 33]-- |total| * scale --[product]-- >> shift, round, saturate --[q]
                         sign --------------------------------------------'
```

Rounding halves away from zero is rounding magnitudes up, and to even is the same for both signs, so that the
work is done on magnitudes. No adder makes them: the digits of ``scale`` take the total's sign
(``arith.magnitude``). The shifter drops at every level what lies above all that can still count. Rounding to
even asks whether anything below the half was shifted out.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.magnitude import ScaledMagnitude
from ..arith.pipeline import register
from ..arith.products import OPERAND
from ..hierarchy import add_shared
from .config import RequantiseRounding
from .dot_product import ACCUMULATOR

SCALE_BITS = 16
"""Width of the scale, an unsigned integer."""

SHIFT_BITS = 6
"""Width of the shift, 0 to 63."""

ZERO_BITS = 8
"""Width of the zero point, signed."""


def parameters_layout(*, zero_point: bool) -> data.StructLayout:
    """Return the layout of what a column is requantised with, from the header's lowest bit on."""
    fields = {"bias": signed(32), "scale": SCALE_BITS, "shift": SHIFT_BITS}
    return data.StructLayout(fields | ({"zero": signed(ZERO_BITS)} if zero_point else {}))


TOTAL_BITS = 33
"""Width of the sum of a result and its bias, which is at least -2^32."""

LATENCY = 3
"""From a result to its INT8, in enabled cycles."""


class Requantise(wiring.Component):
    """One lane: a result per enabled cycle.

    Ports: ``enable``; ``result`` (in, INT32); ``parameters`` (in, ``parameters_layout``), in the same cycle
    as the result; ``relu`` (in), ``LATENCY - 1`` enabled cycles later; ``q`` (out, INT8), ``LATENCY`` enabled
    cycles later. No register has a reset.
    """

    def __init__(self, rounding: RequantiseRounding, *, zero_point: bool) -> None:
        self.rounding = rounding
        self.zero_point = zero_point
        super().__init__(
            {
                "enable": In(1),
                "result": In(ACCUMULATOR),
                "parameters": In(parameters_layout(zero_point=zero_point)),
                "relu": In(1),
                "q": Out(OPERAND),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        enable = self.enable
        total = register(m, enable, self.result + self.parameters.bias, "total")
        scale = register(m, enable, self.parameters.scale, "scale_of_total")
        shift = register(m, enable, self.parameters.shift, "shift_of_total")

        scaled = add_shared(
            m, platform, "scaled_magnitude", "scaled", lambda: ScaledMagnitude(TOTAL_BITS, SCALE_BITS)
        )
        m.d.comb += [scaled.total.eq(total), scaled.scale.eq(scale)]
        negative = register(m, enable, total[-1], "negative_of_product")
        product = register(m, enable, scaled.product, "product")
        shift = register(m, enable, shift, "shift_of_product")

        # One place below the point is kept, for rounding; eight above, 128 being the largest magnitude.
        places, too_large, below = _shift_right(m, Cat(Const(0, 1), product), shift, keep=9)
        up = places[0]
        if self.rounding is RequantiseRounding.HALF_EVEN:
            up = up & (places[1] | below)
        rounded = Signal(unsigned(9))
        m.d.comb += rounded.eq(places[1:] + up)
        if self.zero_point:
            zero = self.parameters.zero
            for stage in ("total", "product"):
                zero = register(m, enable, zero, f"zero_of_{stage}")
            # Nothing from 256 up comes back into range with a zero point, so that too_large is as without.
            shifted = Mux(negative, -rounded, rounded) + zero
            least = Mux(self.relu, zero, -128)
            below_least = Mux(too_large, negative, shifted < least)
            q = Mux(below_least, least, Mux(too_large | (shifted > 127), 127, shifted))
        else:
            positive = Mux(too_large | (rounded >= 128), 127, rounded[:8])
            lowered = Mux(too_large | (rounded >= 128), 128, rounded[:8])
            q = Mux(negative, Mux(self.relu, 0, -lowered), positive)
        m.d.comb += self.q.eq(register(m, enable, q[:8], "word"))
        return m


def _shift_right(m: Module, value: Value, amount: Value, keep: int) -> tuple[Value, Value, Value]:
    """Return the lowest ``keep`` bits of ``value`` shifted right by ``amount``, and if any above, below is 1.

    The longest shift comes first: after it and every other, bits that no further shift can bring down to the
    lowest ``keep`` are only looked at.
    """
    too_large: Value = Const(0, 1)
    below: Value = Const(0, 1)
    for level in reversed(range(len(amount))):
        places = 1 << level
        window = keep + places - 1
        moved = Signal(max(len(value), keep), name=f"shifted_by_{places}")
        m.d.comb += moved.eq(Mux(amount[level], value >> places, value))
        too_large = too_large | moved[window:].any() if len(moved) > window else too_large
        below = below | (amount[level] & value[:places].any())
        value = moved[:window]
    return value, too_large, below
