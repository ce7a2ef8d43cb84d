"""What the operations on partial sums do: which sum the adder gets, and which one is held from then on.

```
 oldest result --> (+) --sum--> [SumQueue] --> addend --> (+)      NEXT, and LAST without the way back
                    '---------> result
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import WORD_BITS, SystolicConfig
from .decode import OPERATION_BITS
from .instruction import RESET_SUMS, Operation
from .sums import SumQueue

STEPS = (Operation.FIRST, Operation.NEXT, Operation.LAST)
"""Operations that give an activation, and have to do with sums."""


class Accumulators(wiring.Component):
    """The memory of partial sums of a functional unit.

    Members
    -------
    operation, a, taken:
        In: those of the unit.
    takes:
        In: the operation takes a result.
    sum:
        In: ``addend`` plus that result.
    addend:
        Out, in the same cycle: the sum that the result is added to, +0 where there is none.
    ready:
        Out, in the same cycle: the operation need not wait for a sum. One cycle at most, by itself.
    word:
        Out, in the same cycle: what SUM and HELD return.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        width = config.accumulator.width
        super().__init__(
            {
                "operation": In(OPERATION_BITS),
                "a": In(WORD_BITS),
                "taken": In(1),
                "takes": In(1),
                "sum": In(width),
                "addend": Out(width),
                "ready": Out(1),
                "word": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        depth = self.config.accumulators
        assert depth
        m.submodules.sums = sums = SumQueue(self.config.accumulator.width, depth)
        removes, adds = Signal(), Signal()  # a sum, and one more
        with m.Switch(self.operation):
            with m.Case(Operation.FIRST):
                m.d.comb += adds.eq(self.takes)
            with m.Case(Operation.NEXT):
                m.d.comb += [removes.eq(self.takes & (sums.count != 0)), adds.eq(self.takes)]
            with m.Case(Operation.LAST):
                m.d.comb += removes.eq(self.takes & (sums.count != 0))
            with m.Case(Operation.SUM):
                m.d.comb += removes.eq(sums.count != 0)
            with m.Case(Operation.HOLD):
                m.d.comb += adds.eq(1)
            with m.Case(Operation.RESET):
                m.d.comb += sums.clear.eq(self.taken & (self.a & RESET_SUMS).any())
        m.d.comb += [
            sums.take.eq(self.taken & removes),
            sums.put.eq(self.taken & adds & (removes | (sums.count != depth))),
            sums.word.eq(Mux(self.operation == Operation.HOLD, self.a, self.sum)),
            self.addend.eq(Mux(removes, sums.oldest, 0)),
            self.ready.eq(~removes | sums.there),
            self.word.eq(Mux(self.operation == Operation.HELD, sums.count, self.addend)),
        ]
        return m
