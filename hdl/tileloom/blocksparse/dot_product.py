"""The INT8 compute core: (m, k) times (k, n) in every cycle, accumulated in INT32 where it is computed.

```
 a (m x k) --.
             |  m x n elements, each:
 b (k x n) --+--> k products --> sum --[sum]--> (+) --[accumulator]--> result
                                                 ^                |
                                    first ? start : accumulator --'
```

One module stands for all elements. A step is one (m, k, n) product; the steps of a tile follow one another,
``first`` on the first and ``last`` on the last, and a tile may be one step.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.pipeline import register
from ..hierarchy import add_shared

OPERAND = signed(8)
"""An activation or a weight."""

ACCUMULATOR = signed(32)
"""A partial sum; it wraps. A sum of up to 131,071 products of INT8 cannot reach its ends."""


class DotElement(wiring.Component):
    """One element of the result: the sum of ``k`` products, added to the accumulator.

    Parameters
    ----------
    k:
        Products per cycle.
    product_register:
        A register for every product, so that multipliers and adders are in different cycles.

    Ports: ``a``, ``b`` (in, ``k`` INT8 each); ``enable`` (in), which moves the registers of products and sum;
    ``accumulate`` and ``first`` (in), in time with the sum: take it, and take it on top of ``start`` (in,
    INT32); ``accumulator`` (out, INT32). The sum has ``16 + ceil(log2(k))`` bits, signed, and is exact but
    for its one corner, which needs a bit more and has it. No register has a reset.
    """

    def __init__(self, k: int, *, product_register: bool = False) -> None:
        self.k = k
        self.product_register = product_register
        operands = data.ArrayLayout(OPERAND, k)
        super().__init__(
            {
                "enable": In(1),
                "accumulate": In(1),
                "first": In(1),
                "a": In(operands),
                "b": In(operands),
                "start": In(ACCUMULATOR),
                "accumulator": Out(ACCUMULATOR),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        terms = [self.a[index] * self.b[index] for index in range(self.k)]
        if self.product_register:
            terms = [register(m, self.enable, term, f"product_{index}") for index, term in enumerate(terms)]
        while len(terms) > 1:
            pairs = [left + right for left, right in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[len(terms) & ~1 :]
        total = register(m, self.enable, terms[0], "sum")
        accumulator = Signal(ACCUMULATOR, reset_less=True)
        with m.If(self.accumulate):
            m.d.sync += accumulator.eq(Mux(self.first, self.start, accumulator) + total)
        m.d.comb += self.accumulator.eq(accumulator)
        return m


class DotProduct(wiring.Component):
    """The whole tile of ``m x n`` elements, and the pipeline's control.

    Parameters
    ----------
    m, k, n:
        Rows of A, columns of A, which are rows of B, and columns of B. ``m * k * n`` multipliers.
    product_register:
        As in ``DotElement``.

    Ports
    -----
    enable:
        In: every register moves.
    valid, first, last:
        In: there is a step, it starts a tile, it ends one.
    a, b:
        In: ``m x k`` and ``k x n`` INT8, row by row.
    start:
        In: ``m x n`` INT32, row by row, what the tile starts from. It is looked at in the cycle in which the
        step of ``first`` is in the sum's register, ``latency - 1`` enabled cycles after it came.
    done, result:
        Out: high for the enabled cycle in which ``result``, ``m x n`` INT32, is a tile's; ``latency`` enabled
        cycles after its last step.
    """

    def __init__(self, m: int, k: int, n: int, *, product_register: bool = False) -> None:
        self.size = (m, k, n)
        self.product_register = product_register
        self.latency = 2 + product_register
        tile = data.ArrayLayout(ACCUMULATOR, m * n)
        super().__init__(
            {
                "enable": In(1),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "a": In(data.ArrayLayout(OPERAND, m * k)),
                "b": In(data.ArrayLayout(OPERAND, k * n)),
                "start": In(tile),
                "done": Out(1),
                "result": Out(tile),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        rows, inner, columns = self.size
        control = Signal(data.StructLayout({"valid": 1, "first": 1, "last": 1}))
        m.d.comb += [
            control.valid.eq(self.valid),
            control.first.eq(self.first),
            control.last.eq(self.valid & self.last),
        ]
        for stage in range(self.latency - 1):
            moved = Signal.like(control, name=f"control_{stage}")
            with m.If(self.enable):
                m.d.sync += moved.eq(control)
            control = moved
        done = Signal()
        with m.If(self.enable):
            m.d.sync += done.eq(control.last)
        m.d.comb += self.done.eq(done)
        for row in range(rows):
            for column in range(columns):
                element = add_shared(
                    m,
                    platform,
                    "dot_element",
                    f"element_{row}_{column}",
                    lambda: DotElement(inner, product_register=self.product_register),
                )
                m.d.comb += [
                    element.enable.eq(self.enable),
                    element.accumulate.eq(self.enable & control.valid),
                    element.first.eq(control.first),
                    element.start.eq(self.start[row * columns + column]),
                    self.result[row * columns + column].eq(element.accumulator),
                ]
                for index in range(inner):
                    m.d.comb += [
                        element.a[index].eq(self.a[row * inner + index]),
                        element.b[index].eq(self.b[index * columns + column]),
                    ]
        return m
