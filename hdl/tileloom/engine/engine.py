"""The engine: loader, core and drain, each at work on its own strip or column, and the locks between them.

```
 commands --> Dispatch --.-------------------.----------------------------------.
                         v                   v                                  v
 activations -------> Loader --> A buffer --> tile --> core <-- Feeder       Drain --> results
                                  ^                    |  ^      |  ^          ^
 index --> Walker --> tokens --> Sequencer            accumulators | weights   |
                         '---------------------------- tokens -----'-- header -'
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..hierarchy import add_shared
from ..stream import packet
from ..stream.queue import Queue
from . import dot_product, systolic_core
from .accumulators import Accumulators
from .activation_mask import ActivationMask
from .activations import ActivationBuffer
from .config import Core, EngineConfig, EnginePort
from .core import ComputeCore, Timing
from .dispatch import Dispatch
from .dot_product import DotProduct
from .drain import Drain, result_layout
from .feeder import Feeder
from .layouts import COMMAND, INDEX, TOKEN
from .loader import Loader, unit_layout
from .locks import Lock
from .sequencer import Sequencer
from .skipped import SKIPPED_BITS, Skipped
from .systolic_core import SystolicCore
from .walker import Walker

TOKEN_QUEUES = {"feeder": 2, "sequencer": 4}
"""Tokens that the walker may be ahead of each of them."""


def compute_core(config: EngineConfig) -> ComputeCore:
    """Return the core that the configuration asks for."""
    return DotProduct(config) if config.core is Core.DOT_PRODUCT else SystolicCore(config)


def core_timing(config: EngineConfig) -> Timing:
    """Return the numbers of cycles of the core that the configuration asks for."""
    return dot_product.timing(config) if config.core is Core.DOT_PRODUCT else systolic_core.timing(config)


class Engine(wiring.Component):
    """The block-sparse tile engine; protocol and layouts in ``docs/engine.md``.

    Ports: streams ``commands`` (in, ``COMMAND``), ``index`` (in, ``INDEX``), ``weights`` (in, beats),
    ``activations`` (in, units), ``results`` (out, rows of C, ``last`` at the end of a block column); ``busy``
    (out): a command waits or is under way, or results are; ``fault`` (out), the walker's; under an AXI4
    master ``clear`` (in), the core's; with registers around that ``skipped`` (out), as in ``Skipped``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "commands": In(stream.Signature(COMMAND)),
                "index": In(stream.Signature(INDEX)),
                "weights": In(stream.Signature(config.bus)),
                "activations": In(stream.Signature(unit_layout(config))),
                "results": Out(stream.Signature(packet(result_layout(config)))),
                "busy": Out(1),
                "fault": Out(2),
                **({"clear": In(1)} if config.port is EnginePort.AXI4 else {}),
                **({"skipped": Out(SKIPPED_BITS)} if config.wrapper else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        # Shared, so that its ports have its own names in the netlist, too: checks drive them.
        core = add_shared(m, platform, "core", "core", lambda: compute_core(config))
        timing = core_timing(config)
        m.submodules.dispatch = dispatch = Dispatch(config)
        m.submodules.loader = loader = Loader(config)
        m.submodules.a_buffer = a_buffer = ActivationBuffer(config)
        m.submodules.walker = walker = Walker()
        m.submodules.feeder = feeder = Feeder(config)
        m.submodules.b_buffer = b_buffer = Queue(config.bus, config.weight_beats, buffered=True)
        m.submodules.sequencer = sequencer = Sequencer(config, timing)
        m.submodules.accumulators = accumulators = Accumulators(config, timing)
        m.submodules.drain = drain = Drain(config)

        # Streams.
        wiring.connect(m, wiring.flipped(self.commands), dispatch.commands)
        for unit, name in (
            (loader, "load"),
            (walker, "walk"),
            (feeder, "feed"),
            (sequencer, "conv"),
            (drain, "write"),
        ):
            wiring.connect(m, getattr(dispatch, name), unit.commands)
        m.d.comb += walker.final.eq(dispatch.walk_last)
        wiring.connect(m, wiring.flipped(self.activations), loader.activations)
        wiring.connect(m, wiring.flipped(self.index), walker.index)
        wiring.connect(m, wiring.flipped(self.weights), feeder.weights)
        wiring.connect(m, feeder.blocks, b_buffer.incoming)
        wiring.connect(m, b_buffer.outgoing, core.weights)
        wiring.connect(m, drain.results, wiring.flipped(self.results))
        tokens = sequencer.tokens
        if config.activation_mask:
            m.submodules.mask = mask = ActivationMask(config)
            wiring.connect(m, mask.masked_tokens, sequencer.tokens)
            tokens = mask.tokens
            wiring.connect(m, loader.fill, a_buffer.fill, mask.fill)
            m.d.comb += [
                mask.x.eq(loader.x),
                mask.block.eq(loader.block),
                mask.block_done.eq(loader.block_done),
                mask.open.eq(sequencer.commands.valid & sequencer.a_full),
                mask.read_half.eq(sequencer.a_half),
                mask.done.eq(sequencer.done),
            ]
        else:
            wiring.connect(m, loader.fill, a_buffer.fill)
        self._share_tokens(m, walker, feeder.tokens, tokens)

        # Who has which halves.
        locks = {}
        for name, giver, taker, initial in (
            ("a_free", sequencer.a_give, loader.take, 2),
            ("a_full", loader.give, sequencer.a_take, 0),
            ("c_free", drain.c_give, sequencer.c_take, 2),
            ("c_full", accumulators.finished, drain.c_take, 0),
        ):
            m.submodules[f"lock_{name}"] = lock = locks[name] = Lock(initial)
            m.d.comb += [lock.give.eq(giver), lock.take.eq(taker)]
        m.d.comb += [
            loader.half_free.eq(locks["a_free"].available),
            sequencer.a_full.eq(locks["a_full"].available),
            sequencer.c_free.eq(locks["c_free"].available),
            drain.c_full.eq(locks["c_full"].available),
        ]

        # The A buffer, the core, the accumulators.
        wiring.connect(m, sequencer.fetch, a_buffer.fetch)
        wiring.connect(m, drain.sums, accumulators.drain)
        m.d.comb += [
            sequencer.block_ready.eq(core.block_ready),
            core.take.eq(sequencer.take),
            core.valid.eq(sequencer.step.valid),
            core.last.eq(sequencer.last),
            core.activations.eq(a_buffer.tile),
            core.psum.eq(accumulators.psum),
            accumulators.results.eq(core.results),
            accumulators.reading.eq(sequencer.reading),
            accumulators.read.eq(sequencer.fetch.valid),
            accumulators.step.eq(sequencer.step),
            drain.untouched.eq(sequencer.untouched),
        ]
        if config.port is EnginePort.AXI4:
            m.d.comb += core.clear.eq(self.clear)
        if config.wrapper:
            m.submodules.skipping = skipped = Skipped()
            m.d.comb += [
                skipped.entry.eq(self.index.payload),
                skipped.taken.eq(self.index.valid & self.index.ready),
                skipped.blocks.eq(walker.commands.payload.blocks),
                self.skipped.eq(skipped.skipped),
            ]

        # Headers.
        m.d.comb += [
            sequencer.header_ready.eq(feeder.header_ready),
            feeder.header_take.eq(sequencer.header_take),
            drain.header.eq(feeder.header),
            drain.header_take.eq(sequencer.header_take),
            drain.header_half.eq(sequencer.header_half),
        ]
        if not config.requantise:
            m.d.comb += accumulators.starts.eq(drain.starts)

        m.d.comb += [self.busy.eq(~dispatch.idle | drain.busy), self.fault.eq(walker.fault)]
        return m

    def _share_tokens(self, m: Module, walker: Walker, feeder: Any, sequencer: Any) -> None:
        """Give the walker's tokens to both that need them; it runs ahead of them by what the queues hold."""
        queues = []
        for name, user in (("feeder", feeder), ("sequencer", sequencer)):
            m.submodules[f"{name}_tokens"] = queue = Queue(TOKEN, TOKEN_QUEUES[name])
            wiring.connect(m, queue.outgoing, user)
            m.d.comb += queue.incoming.payload.eq(walker.tokens.payload)
            queues.append(queue)
        both = Cat(queue.incoming.ready for queue in queues).all()
        m.d.comb += [queue.incoming.valid.eq(walker.tokens.valid & both) for queue in queues]
        m.d.comb += walker.tokens.ready.eq(both)
