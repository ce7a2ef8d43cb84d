"""Nested loops as a component: the counters that units walk strips, kernels and columns with."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Const, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Loops(wiring.Component):
    """Counts in loops within one another.

    ```
     step --> [at.x] --last.x--> [at.y] --last.y--> [at.z] --last.z-->
              0 .. ends.x - 1    0 .. ends.y - 1    0 .. ends.z - 1
    ```

    Parameters
    ----------
    widths:
        Width of each loop's counter by its name, the innermost loop first.

    Ports
    -----
    ends:
        In: how often each loop runs, from 1, modulo its width. May change where the loop is at 0.
    step:
        In: go on to the next place in this cycle; after the last comes the first.
    at:
        Out: the place, of each loop from 0.
    following:
        Out: of each loop ``at`` plus 1, modulo its width.
    last:
        Out: of each loop, that it and all within it are at their last.
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.names = tuple(widths)
        counts = data.StructLayout(widths)
        super().__init__(
            {
                "ends": In(counts),
                "step": In(1),
                "at": Out(counts),
                "following": Out(counts),
                "last": Out(data.StructLayout(dict.fromkeys(widths, 1))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        within: Value = Const(1, 1)
        for name in self.names:
            at, following, last = self.at[name], self.following[name], self.last[name]
            m.d.comb += [following.eq(at + 1), last.eq(within & (following == self.ends[name]))]
            with m.If(self.step & within):
                m.d.sync += at.eq(following)
                with m.If(last):
                    m.d.sync += at.eq(0)
            within = last
        return m
