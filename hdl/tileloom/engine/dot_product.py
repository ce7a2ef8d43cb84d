"""The INT8 compute core: (m, k) times (k, n) in every cycle, on top of INT32 partial sums.

```
 weights --> [shadow block] --digits--> [block] --.
                                                  |  m x n elements, each:
 activations ----------------------> [A tile] ----+--> k products, their sum --[sum]--> (+) --> results
                                                                                         ^
 psum -----------------------------------------------------------------------------------'
```

A weight is recoded as it enters the block (``arith.products``). One module stands for all elements. The
results have no register of their own: they go straight to a memory.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.pipeline import register
from ..arith.products import DIGITS, OPERAND, SumOfProducts, recoded
from ..hierarchy import add_shared
from .config import EngineConfig, EnginePort
from .core import ComputeCore, Timing

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

    Ports: ``a`` (in, ``k`` INT8); ``b`` (in, ``k`` of ``DIGITS``); ``psum`` (in, INT32), one cycle later, two
    with ``product_register``; ``result`` (out, INT32), in the cycle of ``psum``. No register has a reset.
    """

    def __init__(self, k: int, *, product_register: bool = False) -> None:
        self.k = k
        self.product_register = product_register
        super().__init__(
            {
                "a": In(data.ArrayLayout(OPERAND, k)),
                "b": In(data.ArrayLayout(DIGITS, k)),
                "psum": In(ACCUMULATOR),
                "result": Out(ACCUMULATOR),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        products = add_shared(
            m,
            platform,
            "sum_of_products",
            "products",
            lambda: SumOfProducts(self.k, product_register=self.product_register),
        )
        m.d.comb += [
            Value.cast(products.a).eq(Value.cast(self.a)),
            Value.cast(products.b).eq(Value.cast(self.b)),
            self.result.eq(self.psum + register(m, 1, products.total, "sum")),
        ]
        return m


def timing(config: EngineConfig) -> Timing:
    """Return the core's numbers of cycles."""
    latency = 2 + config.product_register
    return Timing(latency=latency, psum_delay=latency, block_interval=config.block_beats)


class DotProduct(ComputeCore):
    """The core of ``m x n`` elements with two blocks: one in use, one coming in.

    Ports as in ``core_signature``. The beats of a block shift in from the top, and the last goes by them as
    the block is taken, so that a beat is taken in every cycle. Moving nothing while there is no tile keeps
    the elements from computing.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config, timing(config))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        beats = config.block_beats - 1

        # The last beat of a block waits in the queue before the core, and goes past the shadow block.
        shadow = Signal(beats * config.bus, reset_less=True)
        filled = Signal(range(beats + 1))
        full = Signal()
        whole = Cat(shadow, self.weights.payload)
        m.d.comb += [
            full.eq(filled == beats),
            self.block_ready.eq(full & self.weights.valid),
            self.weights.ready.eq(~full | self.take),
        ]
        block = Signal(data.ArrayLayout(DIGITS, config.k * config.n), reset_less=True)
        # Signals of their own: a part of a wide value costs Amaranth all of it, each time that it is read.
        weights = [Signal(OPERAND.width, name=f"weight_{index}") for index in range(len(block))]
        m.d.comb += Cat(weights).eq(whole)
        with m.If(self.take):
            m.d.sync += filled.eq(0)
            for weight, digits in zip(weights, block, strict=True):
                m.d.sync += Value.cast(digits).eq(recoded(weight))
        with m.Elif(self.weights.valid & ~full):
            m.d.sync += [shadow.eq(whole[config.bus :]), filled.eq(filled + 1)]
        if config.port is EnginePort.AXI4:
            with m.If(self.clear):
                m.d.sync += filled.eq(0)
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
