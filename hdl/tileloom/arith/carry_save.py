"""Carry-save multiplication: two rows whose sum is the product, before the carries have run along it.

``Multiply`` puts a register between the rows and their sum where it is asked to, and synthesis maps every
``*`` to the same structure. ``a * b`` leaves the choice to a tool, and no tool puts a
register inside it.

```
 a ---> one row per Booth digit ---> full adders, column by column ---> x, y: two rows ----> (+) ---> product
 b --'  (per bit, if b is narrow)     (earliest bits first)       '---> low: already summed -------'
```

Sources: Booth's recoding in radix 4 as in MacSorley, "High-speed arithmetic in binary computers" (1961);
the order of reduction as in Oklobdzija et al., "A method for speed optimized partial product reduction"
(1996).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..hierarchy import add_shared

SMALLEST_BOOTH = 6
"""Width of ``b`` from which Booth's recoding is the smaller."""

# Delays in gates: of a full adder's outputs, of its carry where only its carry is late, and of a half adder.
# They order the reduction, and say how far the lowest carries get meanwhile.
_SUM, _CARRY, _RIPPLE, _HALF_SUM, _HALF_CARRY = 2.0, 1.7, 1.3, 1.2, 0.6
_BOOTH, _AND = 2.5, 1.0


class FullAdder(wiring.Component):
    """Three bits counted: ``a + b + c = sum + 2 * carry``. Combinational.

    A module of its own, so that synthesis can put the library's full-adder cell in its place.
    """

    def __init__(self) -> None:
        super().__init__({"a": In(1), "b": In(1), "c": In(1), "sum": Out(1), "carry": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        a, b, c = self.a, self.b, self.c
        m.d.comb += [self.sum.eq(a ^ b ^ c), self.carry.eq((a & b) | (c & (a | b)))]
        return m


class _Columns:
    """Bits by their place, each with the time at which it is there; ``m`` gets the adders."""

    def __init__(self, m: Module, platform: object, width: int) -> None:
        self.bits: list[list[tuple[float, int, Value]]] = [[] for _ in range(width)]
        self._m = m
        self._platform = platform
        self._count = 0

    def put(self, place: int, time: float, bit: Value) -> None:
        """Add a bit; beyond the highest place it is dropped. Of equal times the first comes first."""
        if place < len(self.bits):
            self._count += 1
            heapq.heappush(self.bits[place], (time, self._count, bit))

    def half_adder(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Return sum and carry of two bits. Gates: the libraries' half-adder cells are no smaller."""
        self._count += 1
        total, carry = Signal(name=f"half_sum_{self._count}"), Signal(name=f"half_carry_{self._count}")
        self._m.d.comb += [total.eq(a ^ b), carry.eq(a & b)]
        return total, carry

    def full_adder(self, a: Value, b: Value, c: Value) -> tuple[Value, Value]:
        """Return sum and carry of three bits."""
        self._count += 1
        adder = add_shared(self._m, self._platform, "full_adder", f"full_adder_{self._count}", FullAdder)
        self._m.d.comb += [adder.a.eq(a), adder.b.eq(b), adder.c.eq(c)]
        return adder.sum, adder.carry

    def reduce(self) -> None:
        """Add up until no place has more than two bits."""
        for place, bits in enumerate(self.bits):
            while len(bits) > 2:
                (_, _, a), (b_time, _, b) = heapq.heappop(bits), heapq.heappop(bits)
                if len(bits) == 1 and not isinstance(a, Const) and not isinstance(b, Const):
                    # The last of an odd number is the latest: a full adder would chain the places' carries.
                    total, carry = self.half_adder(a, b)
                    self.put(place, b_time + _HALF_SUM, total)
                    self.put(place + 1, b_time + _HALF_CARRY, carry)
                else:
                    c_time, _, c = heapq.heappop(bits)
                    total, carry = self.full_adder(a, b, c)
                    self.put(place, c_time + _SUM, total)
                    self.put(place + 1, c_time + _CARRY, carry)

    def resolve(self, limit: float) -> tuple[list[Value], Value | None]:
        """Add up the lowest places, as far as the carry gets in time ``limit``.

        Returns their sum and the carry out of it, if there is one. Places that have a single bit from the
        start cost no time.
        """
        low: list[Value] = []
        carry: Value | None = None
        time = 0.0
        for bits in self.bits:
            operands = [bit for _, _, bit in bits]
            if carry is not None or len(bits) > 1:
                time = max([time, *(t for t, _, _ in bits)]) + (_RIPPLE if len(bits) > 1 else _HALF_CARRY)
                if time > limit:
                    break
            if carry is not None:
                operands.append(carry)
                carry = None
            if len(operands) == 3:
                total, carry = self.full_adder(*operands)
            elif len(operands) == 2:
                total, carry = self.half_adder(*operands)
            else:
                total = operands[0] if operands else Const(0, 1)
            low.append(total)
        return low, carry

    @property
    def latest(self) -> float:
        """The time at which the last bit is there."""
        return max((time for bits in self.bits for time, _, _ in bits), default=0.0)


@dataclass(frozen=True)
class Rows:
    """A product that is not added up yet: ``low + 2**len(low) * (x + y + carry)``, modulo its width.

    Attributes
    ----------
    low:
        The lowest places, added up.
    x, y:
        Two bits for each of the other places.
    carry:
        Out of ``low``; one bit, a constant 0 where there is none.
    """

    low: Value
    x: Value
    y: Value
    carry: Value

    @property
    def sum(self) -> Value:
        """The product, unsigned. One adder: a carry comes in below its lowest place."""
        if isinstance(self.carry, Const):
            upper = self.x + self.y
        else:
            upper = (Cat(Const(1, 1), self.x) + Cat(self.carry, self.y))[1:]
        return Cat(self.low, upper[: len(self.x)])


def carry_save_multiply(
    m: Module,
    platform: object,
    a: Value,
    b: Value,
    *,
    signed: bool = False,
    booth: bool = True,
    resolve: bool = True,
) -> Rows:
    """Return the product of two values as rows, with their hardware added to ``m``. Combinational.

    Parameters
    ----------
    m, platform:
        Where the hardware goes, and of its elaboration.
    a, b:
        The operands. ``b`` should be the one that is stable first: its digits select ``a``.
    signed:
        Both operands are signed, and Booth-recoded; otherwise both are unsigned, whatever their shape.
    booth:
        Recode ``b``, if it has ``SMALLEST_BOOTH`` bits; otherwise its digits are its bits.
    resolve:
        Add up the lowest places, as far as their carry gets while the other places are reduced: fewer bits
        to keep. In front of an adder in the same cycle it only makes that adder's carry late.
    """
    columns = _Columns(m, platform, len(a) + len(b))
    if signed or (booth and len(b) >= SMALLEST_BOOTH):
        _booth_rows(m, columns, a, b, signed=signed)
    else:
        for place, digit in enumerate(b):
            for index, bit in enumerate(a):
                columns.put(place + index, _AND, bit & digit)
    columns.reduce()
    low, carry = columns.resolve(columns.latest if resolve else 0.0)
    x: list[Value] = []
    y: list[Value] = []
    for bits in columns.bits[len(low) :]:
        values = [bit for _, _, bit in bits] + [Const(0, 1)] * (2 - len(bits))
        x.append(values[0])
        y.append(values[1])
    return Rows(Cat(*low), Cat(*x), Cat(*y), Const(0, 1) if carry is None else carry)


def _booth_rows(m: Module, columns: _Columns, a: Value, b: Value, *, signed: bool) -> None:
    """Put the rows of the digits ``b[2j-1] + b[2j] - 2 b[2j+1]``, each -2 to 2.

    A negative row is its complement, plus 1 in its lowest place, minus 1 just above its highest; the latter
    is the inverted sign there, and a constant that all rows share. The rows of a signed ``a`` have their sign
    in their highest place, and a signed ``b`` has no digit above its own sign.
    """
    width = len(a) + 1
    once_a = Cat(a, a[-1] if signed else Const(0, 1))
    twice_a = Cat(Const(0, 1), a)
    above = b[-1] if signed else Const(0, 1)
    padded = Cat(Const(0, 1), b, above, above)
    constant = 0
    for digit in range((len(b) + 1) // 2 if signed else len(b) // 2 + 1):
        low, middle, high = (padded[2 * digit + offset] for offset in range(3))
        # The highest digit of an unsigned value is never negative.
        negative = signed or 2 * digit + 1 < len(b)
        once, twice = Signal(name=f"once_{digit}"), Signal(name=f"twice_{digit}")
        row = Signal(unsigned(width), name=f"row_{digit}")
        m.d.comb += [
            once.eq(middle ^ low),
            twice.eq((high & ~middle & ~low) | (~high & middle & low)),
            row.eq(
                ((once_a & once.replicate(width)) | (twice_a & twice.replicate(width)))
                ^ (high.replicate(width) if negative else 0)
            ),
        ]
        sign = 2 * digit + (width - 1 if signed else width)
        for index, bit in enumerate(row[: width - 1] if signed else row):
            columns.put(2 * digit + index, _BOOTH, bit)
        if negative:
            columns.put(2 * digit, 0.0, high)
            columns.put(sign, _BOOTH if signed else 0.0, ~(row[-1] if signed else high))
            constant -= 1 << sign
    for place in range(len(columns.bits)):
        if constant >> place & 1:
            columns.put(place, 0.0, Const(1, 1))
