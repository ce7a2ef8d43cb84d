"""The systolic array as the engine's compute core: block size is array size, which is SASP's tile skipping.

```
 weights --> [beat] --> rows of n weights --> StreamArray <-- activations, psum
                                                  '--> results
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ResetInserter, Signal

from ..systolic.stream_array import StreamArray
from ..systolic.timing import Timetable
from .config import EngineConfig, EnginePort
from .core import ComputeCore, Timing


def timing(config: EngineConfig) -> Timing:
    """Return the core's numbers of cycles."""
    timetable = Timetable(config.systolic)
    # From a swap to the first row of the next weights, those rows, and the cycle that sees them loaded.
    interval = timetable.weights_released + config.k + 1
    return Timing(latency=timetable.latency, psum_delay=0, block_interval=max(interval, config.block_beats))


class SystolicCore(ComputeCore):
    """A weight-stationary array with double-buffered weights, a row of A in every cycle.

    Ports as in ``core_signature``, with ``m`` = 1. The array takes a row of weights in a cycle; its shadow
    registers hold the block that waits, and the weights of a block in use are replaced as soon as its first
    row of A has passed.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config, timing(config))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        array = StreamArray(config.systolic)
        cleared = config.port is EnginePort.AXI4
        m.submodules.array = ResetInserter(self.clear)(array) if cleared else array

        # A beat has whole rows; the last one of a block may end with none.
        row_bits = config.n * config.weight_bits
        per_beat = config.bus // row_bits
        row = Signal(range(config.k), name="row")
        place = Signal(range(per_beat), name="row_of_beat")
        last_row, last_of_beat = Signal(), Signal()
        m.d.comb += [
            last_row.eq(row == config.k - 1),
            last_of_beat.eq(last_row | (place == per_beat - 1)),
            array.weights.payload.eq(self.weights.payload.word_select(place, row_bits)),
            array.weights.valid.eq(self.weights.valid),
            self.weights.ready.eq(array.weights.ready & last_of_beat),
        ]
        with m.If(array.weights.valid & array.weights.ready):
            m.d.sync += [
                row.eq(Mux(last_row, 0, row + 1)),
                place.eq(Mux(last_of_beat, 0, place + 1)),
            ]
        if cleared:
            with m.If(self.clear):
                m.d.sync += [row.eq(0), place.eq(0)]

        # ``ready`` says that weights for the next row of A are there, and that row is the first of a block
        # whenever anyone asks.
        m.d.comb += [
            self.block_ready.eq(array.activations.ready),
            array.activations.valid.eq(self.valid),
            array.activations.payload.data.eq(self.activations[0]),
            array.activations.payload.last.eq(self.last),
            array.psum_in.valid.eq(1),
            array.psum_in.payload.eq(self.psum),
            array.results.ready.eq(1),
            self.results.eq(array.results.payload.data),
        ]
        return m
