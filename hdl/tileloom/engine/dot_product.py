"""The INT8 compute core: (m, k) times (k, n) in every cycle, on top of INT32 partial sums.

```
 weights --> [shadow block] --take--> [block] --.
                                                |  m x n elements, each:
 activations ---------------------> [A tile] ---+--> k products --> sum --[sum]--> (+) --> results
                                                                                    ^
 psum ------------------------------------------------------------------------------'
```

One module stands for all elements. The results have no register of their own: they go straight to a memory.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.pipeline import register
from ..hierarchy import add_shared
from .config import EngineConfig
from .core import ComputeCore, Timing

OPERAND = signed(8)
"""An activation or a weight."""

ACCUMULATOR = signed(32)
"""A partial sum; it wraps. A sum of up to 131,071 products of INT8 cannot reach its ends."""


class DotElement(wiring.Component):
    """One element of the result: ``psum`` plus the sum of ``k`` products.

    Parameters
    ----------
    k:
        Products per cycle.
    product_register:
        A register for every product, so that multipliers and adders are in different cycles.

    Ports: ``a``, ``b`` (in, ``k`` INT8 each); ``psum`` (in, INT32), one cycle later, two with
    ``product_register``; ``result`` (out, INT32), in the cycle of ``psum``. The sum of products is signed, of
    ``16 + ceil(log2(k))`` bits, and exact. No register has a reset.
    """

    def __init__(self, k: int, *, product_register: bool = False) -> None:
        self.k = k
        self.product_register = product_register
        operands = data.ArrayLayout(OPERAND, k)
        super().__init__(
            {"a": In(operands), "b": In(operands), "psum": In(ACCUMULATOR), "result": Out(ACCUMULATOR)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        terms = [self.a[index] * self.b[index] for index in range(self.k)]
        if self.product_register:
            terms = [register(m, 1, term, f"product_{index}") for index, term in enumerate(terms)]
        while len(terms) > 1:
            pairs = [left + right for left, right in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[len(terms) & ~1 :]
        m.d.comb += self.result.eq(self.psum + register(m, 1, terms[0], "sum"))
        return m


def timing(config: EngineConfig) -> Timing:
    """Return the core's numbers of cycles."""
    latency = 2 + config.product_register
    return Timing(latency=latency, psum_delay=latency, block_interval=config.block_beats + 1)


class DotProduct(ComputeCore):
    """The core of ``m x n`` elements with two blocks: one in use, one coming in.

    Ports as in ``core_signature``. The beats of a block shift in from the top; a beat is taken in every cycle
    but the one in which the block is handed over. Moving nothing while there is no tile keeps the elements
    from computing.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config, timing(config))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        beats = config.block_beats

        shadow = Signal(beats * config.bus, reset_less=True)
        filled = Signal(range(beats + 1))
        m.d.comb += [self.block_ready.eq(filled == beats), self.weights.ready.eq(~self.block_ready)]
        with m.If(self.weights.valid & self.weights.ready):
            m.d.sync += [shadow.eq(Cat(shadow, self.weights.payload)[config.bus :]), filled.eq(filled + 1)]
        block = Signal(data.ArrayLayout(OPERAND, config.k * config.n), reset_less=True)
        with m.If(self.take):
            m.d.sync += [block.eq(shadow[: block.shape().size]), filled.eq(0)]
        tile = register(m, self.valid, self.activations, "tile")

        for row in range(config.m):
            for column in range(config.n):
                element = add_shared(
                    m,
                    platform,
                    "dot_element",
                    f"element_{row}_{column}",
                    lambda: DotElement(config.k, product_register=config.product_register),
                )
                place = row * config.n + column
                m.d.comb += [
                    element.psum.eq(self.psum[place]),
                    self.results[place].eq(element.result),
                ]
                for index in range(config.k):
                    m.d.comb += [
                        element.a[index].eq(tile[row][index]),
                        element.b[index].eq(block[index * config.n + column]),
                    ]
        return m
