"""Columns of bits by their place, added up by full adders until two rows are left: what products are made of.

The order of reduction, the earliest bits first, is as in Oklobdzija et al., "A method for speed optimized
partial product reduction" (1996).
"""

from __future__ import annotations

import heapq

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..hierarchy import add_shared

# Delays in gates: of a full adder's outputs, of its carry where only its carry is late, and of a half adder.
# They order the reduction, and say how far the lowest carries get meanwhile.
_SUM, _CARRY, _RIPPLE, _HALF_SUM, _HALF_CARRY = 2.0, 1.7, 1.3, 1.2, 0.6


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


class Columns:
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
        """Return sum and carry of three bits; beside a constant it takes no full adder."""
        self._count += 1
        variable = [bit for bit in (a, b, c) if not isinstance(bit, Const)]
        if len(variable) == 2:
            constant = next(bit for bit in (a, b, c) if isinstance(bit, Const))
            if not constant.value:
                return self.half_adder(*variable)
            total, carry = Signal(name=f"sum_{self._count}"), Signal(name=f"carry_{self._count}")
            x, y = variable
            self._m.d.comb += [total.eq(~(x ^ y)), carry.eq(x | y)]
            return total, carry
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

    def put_constant(self, constant: int) -> None:
        """Add a number, modulo the width."""
        for place in range(len(self.bits)):
            if constant >> place & 1:
                self.put(place, 0.0, Const(1, 1))

    def rows(self, first: int) -> tuple[list[Value], list[Value]]:
        """Return the two rows that are left, from place ``first`` on."""
        values = [[bit for _, _, bit in bits] for bits in self.bits[first:]]
        filled = [bits + [Const(0, 1)] * (2 - len(bits)) for bits in values]
        return [bits[0] for bits in filled], [bits[1] for bits in filled]

    @property
    def latest(self) -> float:
        """The time at which the last bit is there."""
        return max((time for bits in self.bits for time, _, _ in bits), default=0.0)
