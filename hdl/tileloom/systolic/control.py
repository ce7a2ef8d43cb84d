"""The array behind a register block: software starts jobs, data comes and goes on streams.

```
 AXI4-Lite <--> RegisterFile --- start, soft reset, what a job is ---.
        irq <------'   '<------- busy, done, faults, counts ------- Job
                                                                     |  lets in what belongs to the job
 weights, activations, psum_in -----------------------------------> gate --> StreamArray --> results
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..formats import FloatFormat, Format
from ..registers.file import RegisterFile, connect_control, control_members
from ..registers.table import Table, table
from .config import SystolicConfig
from .job import Job
from .registers import register_map
from .stream_array import StreamArray, stream_members


class ControlledArray(wiring.Component):
    """A ``StreamArray`` that works off jobs; ``docs/registers.md`` has the registers, and what a job is.

    Ports: ``control_aw`` and so on, a subordinate's channels of AXI4-Lite; the array's streams; ``irq``
    (out). Nothing is taken from a stream but what belongs to the job under way. Raises ToolError where the
    register map cannot be read.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        self.table: Table = table(register_map(config))
        super().__init__({**control_members(self.table), **stream_members(config), "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        # A soft reset waits until the array has nothing on offer. It does not reach the elements, which hold
        # data, and swaps on their way; those move on before any new one.
        clear = Signal()
        array = StreamArray(config)
        m.submodules.array = ResetInserter(clear)(array)
        m.submodules.job = job = Job(config)
        m.submodules.registers = registers = RegisterFile(self.table)
        connect_control(m, self, registers)

        # Streams.
        psum_in = registers.job_psum_in
        m.d.comb += [
            array.weights.payload.eq(self.weights.payload),
            array.weights.valid.eq(self.weights.valid & job.weights_open),
            self.weights.ready.eq(array.weights.ready & job.weights_open),
            array.activations.payload.data.eq(self.activations.payload.data),
            array.activations.payload.last.eq(job.last),
            array.activations.valid.eq(self.activations.valid & job.vectors_open),
            self.activations.ready.eq(array.activations.ready & job.vectors_open),
            array.psum_in.payload.eq(Mux(psum_in, self.psum_in.payload, 0)),
            array.psum_in.valid.eq((self.psum_in.valid | ~psum_in) & job.vectors_open),
            self.psum_in.ready.eq(array.psum_in.ready & psum_in & job.vectors_open),
            array.keep.eq(job.keep),
        ]
        wiring.connect(m, array.results, wiring.flipped(self.results))
        row, vector, result = (Signal(name=f"{name}_moves") for name in ("row", "vector", "result"))
        m.d.comb += [
            row.eq(self.weights.valid & self.weights.ready),
            vector.eq(self.activations.valid & self.activations.ready),
            result.eq(self.results.valid & self.results.ready),
        ]

        # The job.
        start, refused = Signal(), Signal()
        offered = self.results.valid & ~self.results.ready
        m.d.comb += [
            refused.eq(job.busy | registers.control_soft_reset | job.empty),
            start.eq(registers.control_start & ~refused),
            job.start.eq(start),
            job.abort.eq(registers.control_soft_reset),
            job.vectors.eq(registers.vectors_vectors),
            job.tiles.eq(registers.tiles_tiles),
            job.keep_weights.eq(registers.job_keep_weights),
            job.row_moves.eq(row),
            job.vector_moves.eq(vector),
            job.result_moves.eq(result),
            job.tile_ends.eq(result & self.results.payload.last),
            job.drained.eq(~offered),
            clear.eq(job.resetting & ~offered),
        ]

        # Faults.
        tlast = self.activations.payload.last
        found, fault = Signal(4), Signal(4)
        bad_vector, bad_row = Signal(), Signal()
        m.d.comb += [
            bad_vector.eq(vector & _special(self.activations.payload.data, config.activation)),
            bad_row.eq(row & _special(self.weights.payload, config.weight)),
            found.eq(
                Cat(
                    vector & tlast & ~job.last,
                    vector & ~tlast & job.last,
                    bad_vector | bad_row,
                    result & _special(self.results.payload.data, config.accumulator),
                )
            ),
        ]
        m.d.sync += fault.eq(Mux(start | clear, 0, fault | found))
        # Where the first one was; of several in a cycle what comes in before what goes out.
        place = Cat(registers.fault_vector_vector, registers.fault_place_tile, registers.fault_place_stream)
        with m.If(~fault.any() & found.any()):
            with m.If(found[:2].any() | bad_vector):
                m.d.sync += place.eq(Cat(job.vector, job.vector_tile, Const(0, 2)))
            with m.Elif(bad_row):
                m.d.sync += place.eq(Cat(job.row, Const(0, 32 - len(job.row)), job.row_tile, Const(1, 2)))
            with m.Else():
                m.d.sync += place.eq(Cat(job.result, job.result_tile, Const(2, 2)))

        m.d.comb += [
            self.irq.eq(registers.irq),
            registers.status_busy.eq(job.busy),
            registers.status_resetting.eq(job.resetting),
            registers.interrupt_status_done.eq(job.done),
            registers.interrupt_status_fault.eq(job.done & (fault | found).any()),
            registers.interrupt_status_refused.eq(registers.control_start & refused),
            Cat(
                registers.fault_last_early,
                registers.fault_last_missing,
                registers.fault_not_finite,
                registers.fault_overflow,
            ).eq(fault),
            registers.cycles_count.eq(1),
            registers.busy_cycles_count.eq(job.busy),
            registers.stalls_in_count.eq(job.vectors_open & array.starved),
            registers.stalls_out_count.eq(offered),
            registers.results_count.eq(result),
        ]
        return m


def _special(words: Value, word_format: Format) -> Value:
    """Return whether any of the words is infinity or NaN; no integer is."""
    if not isinstance(word_format, FloatFormat):
        return Value.cast(0)
    exponent = slice(word_format.fraction_bits, word_format.width - 1)
    return Cat(word[exponent].all() for word in words).any()
