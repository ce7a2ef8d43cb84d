"""The array with streams of whole vectors: what TPUs call streaming, a vector per ``step_interval`` cycles.

```
              weights --> WeightLoader ------.        psum_in
                                             v           |
                                           ======  [skew: column c waits c cycles longer]
 activations --> [skew: row r waits        =    =
                  r * add_stages cycles] --> Mesh =
                                           =    =
                                           ======
                                             |
                        [deskew: column c waits for the last] --> results
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.rounding import exact_specials
from ..stream import packet
from .config import SystolicConfig
from .mesh import Mesh
from .skew import DelayLine, Skew
from .timing import Timetable
from .weights import WeightLoader


def stream_members(config: SystolicConfig) -> dict[str, Any]:
    """Return an array's streams as members of a signature."""
    weights = data.ArrayLayout(config.weight.width, config.columns)
    psums = data.ArrayLayout(config.accumulator.width, config.columns)
    activations = data.ArrayLayout(config.activation.width, config.rows)
    return {
        "weights": In(stream.Signature(weights)),
        "activations": In(stream.Signature(packet(activations))),
        "psum_in": In(stream.Signature(psums)),
        "results": Out(stream.Signature(packet(psums))),
    }


class StreamArray(wiring.Component):
    """A systolic array whose ports are streams of vectors; protocol in ``docs/systolic.md``.

    Ports: streams ``weights`` (in), ``activations`` (in, with ``last``), ``psum_in`` (in), ``results`` (out,
    with ``last``). A vector is accepted together with its ``psum_in``. Latency from there to ``results``:
    ``Timetable.latency`` cycles; while ``results`` is not taken, the whole array stands still. With registers
    around it also:

    keep:
        In, with a tile's last vector: its weights serve the next tile as well.
    starved:
        Out: the array could take a vector in this cycle; a vector, its ``psum_in`` or weights are missing.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        control = {"keep": In(1), "starved": Out(1)}
        super().__init__({**stream_members(config), **(control if config.wrapper else {})})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        timetable = Timetable(config)
        rows, columns, interval = range(config.rows), range(config.columns), config.step_interval

        m.submodules.mesh = mesh = Mesh(config)
        m.submodules.loader = loader = WeightLoader(config)
        m.submodules.wavefront = wave = DelayLine(timetable.latency)
        m.submodules.wavefront_last = last = DelayLine(timetable.latency)
        activation_captures = [timetable.captures(0, timetable.activation_due(row)) for row in rows]
        psum_captures = [timetable.captures(0, timetable.psum_due(column)) for column in columns]
        result_captures = [timetable.result_captures(column) for column in columns]
        every_cycle = interval == 1
        m.submodules.activation_skew = activation_skew = Skew(
            config.activation.width, activation_captures, every_cycle=every_cycle
        )
        m.submodules.psum_skew = psum_skew = Skew(
            config.accumulator.width, psum_captures, every_cycle=every_cycle
        )
        m.submodules.result_deskew = result_deskew = Skew(
            config.accumulator.width, result_captures, every_cycle=every_cycle
        )

        # Handshakes. The array stands still only while a result waits; it moves on when nothing comes in.
        enable, may_start, start = Signal(), Signal(), Signal()
        between = wave.taps[1:interval].any()
        m.d.comb += [
            enable.eq(~self.results.valid | self.results.ready),
            may_start.eq(loader.may_start & ~between),
            start.eq(may_start & self.activations.valid & self.psum_in.valid),
            self.activations.ready.eq(enable & may_start & self.psum_in.valid),
            self.psum_in.ready.eq(enable & may_start & self.activations.valid),
        ]

        # Control.
        mesh.take_weights(m, loader)
        m.d.comb += [
            loader.weights.payload.eq(self.weights.payload),
            loader.weights.valid.eq(self.weights.valid),
            self.weights.ready.eq(loader.weights.ready),
            loader.start.eq(start),
            loader.ending.eq(last.start & ~self.keep if config.wrapper else last.start),
            wave.start.eq(start),
            last.start.eq(start & self.activations.payload.last),
        ]
        if config.wrapper:
            m.d.comb += self.starved.eq(enable & ~between & ~start)
        for part in (mesh, loader, wave, last, activation_skew, psum_skew, result_deskew):
            m.d.comb += part.enable.eq(enable)
        if not every_cycle:
            for skew in (activation_skew, psum_skew, result_deskew):
                m.d.comb += skew.wave.eq(wave.taps[: len(skew.wave)])

        # Data. Inside the mesh only the exponents of zero and infinity count.
        for column in columns:
            word = exact_specials(result_deskew.words_out[column], config.accumulator)
            m.d.comb += self.results.payload.data[column].eq(word)
        m.d.comb += [
            activation_skew.words_in.eq(self.activations.payload.data),
            mesh.activations.eq(activation_skew.words_out),
            psum_skew.words_in.eq(self.psum_in.payload),
            mesh.psums_in.eq(psum_skew.words_out),
            result_deskew.words_in.eq(mesh.psums_out),
            self.results.payload.last.eq(last.taps[-1]),
            self.results.valid.eq(wave.taps[-1]),
        ]
        return m
