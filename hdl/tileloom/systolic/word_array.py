"""The array behind the 32-bit word port of SASP: one activation in and one result out per word and cycle.

A vector comes in over ``rows`` cycles and its results go out over ``columns`` cycles. That is just how an
array wants them, skewed: row r's word comes r cycles after row 0's, column c's result appears c cycles
after column 0's. So there are no skew registers beyond one that holds each row's word until the next
vector's, and the results need only a multiplexer.

```
 activations --+--> [row 0] --> Mesh
               +--> [row 1] --> Mesh --> one of the columns --> [register] --> results
               +--> ...
```
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.rounding import exact_specials
from ..stream import packet
from .config import WORD_BITS, SystolicConfig
from .mesh import Mesh
from .skew import DelayLine, Skew
from .timing import Timetable
from .weights import WeightLoader


class WordArray(wiring.Component):
    """A systolic array with 32-bit ports; protocol in ``docs/systolic.md``.

    Ports: streams ``weights`` (in), ``activations`` (in, with ``last``), ``results`` (out, with ``last``),
    all of 32-bit words. The array stands still while a result that has nowhere to go appears, and, within a
    vector, while the next word of it is missing. Latency from a vector's first word to its last result:
    ``Timetable.latency`` cycles.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        super().__init__(
            {
                "weights": In(stream.Signature(WORD_BITS)),
                "activations": In(stream.Signature(packet(WORD_BITS))),
                "results": Out(stream.Signature(packet(WORD_BITS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        timetable = Timetable(config)
        first_result = timetable.result_appears(0)
        last_result = timetable.result_appears(config.columns - 1)
        captures = [
            timetable.captures(timetable.activation_arrives(row), timetable.activation_due(row))
            for row in range(config.rows)
        ]

        m.submodules.mesh = mesh = Mesh(config)
        m.submodules.loader = loader = WeightLoader(config)
        m.submodules.wavefront = wave = DelayLine(last_result)
        m.submodules.wavefront_last = last = DelayLine(last_result - timetable.vector_complete)
        m.submodules.activation_skew = skew = Skew(config.activation.width, captures, every_cycle=False)

        # Handshakes.
        enable, blocked, within_vector, may_start, start = Signal(), Signal(), Signal(), Signal(), Signal()
        emerging = wave.taps[first_result : last_result + 1]
        m.d.comb += [
            blocked.eq(emerging.any() & self.results.valid & ~self.results.ready),
            within_vector.eq(wave.taps[1 : config.rows].any()),
            may_start.eq(loader.may_start & ~wave.taps[1 : config.step_interval].any()),
            start.eq(may_start & self.activations.valid),
            enable.eq(~blocked & (~within_vector | self.activations.valid)),
            self.activations.ready.eq(~blocked & (within_vector | may_start)),
        ]

        # Control.
        mesh.take_weights(m, loader)
        wiring.connect(m, wiring.flipped(self.weights), loader.weights)
        m.d.comb += [
            loader.start.eq(start),
            loader.ending.eq(last.start),
            wave.start.eq(start),
            last.start.eq(wave.taps[timetable.vector_complete] & self.activations.payload.last),
            skew.wave.eq(wave.taps[: len(skew.wave)]),
        ]
        for part in (mesh, loader, wave, last, skew):
            m.d.comb += part.enable.eq(enable)

        # Data. One column's result at most appears in a cycle.
        result = Const(0, config.accumulator.width)
        for column in range(config.columns):
            m.d.comb += mesh.psums_in[column].eq(0)
            result = result | Mux(emerging[column], mesh.psums_out[column], 0)
        for row in range(config.rows):
            m.d.comb += [
                skew.words_in[row].eq(self.activations.payload.data),
                mesh.activations[row].eq(skew.words_out[row]),
            ]
        word = Signal(config.accumulator.width, reset_less=True)
        word_last = Signal(reset_less=True)
        m.d.comb += [self.results.payload.data.eq(word), self.results.payload.last.eq(word_last)]
        with m.If(enable & emerging.any()):
            m.d.sync += [
                self.results.valid.eq(1),
                word.eq(exact_specials(result, config.accumulator)),
                word_last.eq(last.taps[-1]),
            ]
        with m.Elif(self.results.ready):
            m.d.sync += self.results.valid.eq(0)
        return m
