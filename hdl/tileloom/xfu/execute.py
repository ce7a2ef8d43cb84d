"""Execute: offset unpacking and the address. Combinational."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import XfuConfig
from .instruction import COUNTER_BITS, FUNCT2

DISPLACEMENT_BITS = COUNTER_BITS - 1 + 4
"""Width of M*csr[15:1] + o for M = 16."""


class Execute(wiring.Component):
    """What an xdecimate adds to its base address, and which byte of rd it replaces. No register.

    M*csr[15:1] + o needs no adder: M is a power of two and o is less than M, so that it is the counter's
    upper bits followed by the offset. Of an offset's field the low log2(M) bits count; in a field of M = 8
    the fourth is not used. So the displacement is an operand like an immediate: whoever loads adds it to rs1.

    Members
    -------
    funct2:
        Group size, as encoded; without meaning in a unit for one group size.
    counter:
        The counter, csr.
    offsets:
        rs2: offsets of 2 bits (M = 4) or 4 bits (M = 8, 16), the first in the least significant bits.
    displacement:
        M*csr[15:1] + o, unsigned.
    lane:
        Byte of rd, csr[2:1].
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(
            {
                "funct2": In(2),
                "counter": In(COUNTER_BITS),
                "offsets": In(32),
                "displacement": Out(DISPLACEMENT_BITS),
                "lane": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        sizes = self.config.group_sizes
        upper = self.counter[1:]
        m.d.comb += self.lane.eq(self.counter[1:3])

        # One shifter for all: an offset of 2 bits is half of the 4-bit field that the counter's bits 3:1
        # point at.
        place = Signal(3)
        field = Signal(4)
        m.d.comb += [
            place.eq(Mux(self._is_4(), self.counter[1:4], self.counter[0:3])),
            field.eq(self.offsets.word_select(place, 4)),
        ]
        displacements = {
            4: Cat(field.word_select(self.counter[0], 2), upper),
            8: Cat(field[:3], upper),
            16: Cat(field, upper),
        }
        if len(sizes) == 1:
            m.d.comb += self.displacement.eq(displacements[sizes[0]])
        else:
            with m.Switch(self.funct2):
                for size in sizes[:-1]:
                    with m.Case(FUNCT2[size]):
                        m.d.comb += self.displacement.eq(displacements[size])
                with m.Default():
                    m.d.comb += self.displacement.eq(displacements[sizes[-1]])
        return m

    def _is_4(self) -> Value:
        """Return whether the group size is 4."""
        sizes = self.config.group_sizes
        if 4 not in sizes or len(sizes) == 1:
            return Const(4 in sizes)
        return self.funct2 == FUNCT2[4]
