"""The array as a functional unit that knows no core: an operation, two operands, a result.

```
                         vector begun             complete
 a (activation) --> [0] [1] ... [rows - 1] --start--> (Skew) --> Mesh --> one column's --> [queue of results]
 a (weights) -----> TileWriter ----------------------------------^                              |
 b (partial sum) ---------------------------------------------------------------> (+) <---------'
                                                                                   '---> result
```

A vector is kept until it is complete, and then runs through the mesh without a halt: so everything that is
on its way arrives by itself, no operation waits for one that has not come, and what software must save is
what it gave and has not got back.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arith.add import Add
from ...arith.rounding import exact_specials
from ..config import WORD_BITS, SystolicConfig
from ..mesh import Mesh
from ..skew import DelayLine, Skew
from ..timing import Timetable, streaming
from .accumulators import STEPS, Accumulators
from .decode import OPERATION_BITS
from .instruction import ACCUMULATORS, RESET_VECTORS, RESET_WEIGHTS, STATUS, Operation
from .results import ResultQueue
from .tile import TileWriter


class Unit(wiring.Component):
    """Executes one operation at a time; ``docs/coprocessor.md`` says what each does.

    Members
    -------
    operation, a, b:
        In: an ``Operation`` and its operands, rs1 and rs2. They may change in any cycle.
    ready:
        Out: the operation can complete in this cycle. From these inputs, in the same cycle.
    result:
        Out: its result, while ``ready``. From these inputs, in the same cycle: at most by way of one adder.
    taken:
        In: it completes in this cycle, and changes what it changes. Only while ``ready``.

    What is not ``ready`` becomes so by itself, ``Timetable.latency`` cycles after the last vector at the
    latest.

    Beside an address generator there are more:

    weight, weight_write, weight_ready:
        In, in, out: the next word of a tile, beside any operation; only while ``weight_ready``, and after a
        tile's last one that is when a vector has taken the tile up.
    eager:
        In: a STEP takes a result whenever there is one. It then waits only where its vector's results would
        find no room; there is enough for a step in every cycle.
    reads:
        With accumulators, in: FIRST, NEXT and LAST give no activation, and take a result as READ does.
    takes:
        Out: this STEP or READ takes a result.
    status:
        Out: the status word, whatever the operation.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        beside = {
            "weight": In(WORD_BITS),
            "weight_write": In(1),
            "weight_ready": Out(1),
            "eager": In(1),
            **({"reads": In(1)} if config.accumulators else {}),
            "takes": Out(1),
            "status": Out(WORD_BITS),
        }
        super().__init__(
            {
                "operation": In(OPERATION_BITS),
                "a": In(WORD_BITS),
                "b": In(WORD_BITS),
                "taken": In(1),
                "ready": Out(1),
                "result": Out(WORD_BITS),
                **(beside if config.memory_bits else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        columns, steps = config.columns, config.step_interval
        width = config.accumulator.width
        known = frozenset(Operation) if config.accumulators else frozenset(Operation) - ACCUMULATORS
        does = {each: Signal(name=f"does_{each.name.lower()}") for each in Operation if each in known}
        m.d.comb += [signal.eq(self.operation == operation) for operation, signal in does.items()]
        stepping: Value = does[Operation.STEP]
        reading: Value = does[Operation.READ]
        if config.accumulators:
            summing = reduce(or_, (does[operation] for operation in STEPS))
            reads = self.reads if config.memory_bits else Const(0)
            stepping, reading = stepping | summing & ~reads, reading | summing & reads
        clears_vectors = self.taken & does[Operation.RESET] & (self.a & RESET_VECTORS).any()
        clears_weights = self.taken & does[Operation.RESET] & (self.a & RESET_WEIGHTS).any()

        # The vector begun. Its words are all in place when it starts, and go into the mesh one by one before
        # the next vector's can take their places.
        place = Signal(range(steps))
        start = Signal()
        vector = [
            Signal(config.activation.width, name=f"activation_{row}", reset_less=True)
            for row in range(config.rows)
        ]
        last_step = Signal()
        m.d.comb += last_step.eq(self.taken & stepping & (place == steps - 1))
        m.d.sync += start.eq(last_step)
        with m.If(self.taken & stepping):
            m.d.sync += place.eq(Mux(last_step, 0, place + 1))
            for row in range(config.rows):
                with m.If(place == row):
                    m.d.sync += vector[row].eq(self.a)
        with m.If(clears_vectors):
            m.d.sync += place.eq(0)

        # The mesh, which moves while there is a vector in it.
        timetable = streaming(config)
        first_result, last_result = timetable.result_appears(0), timetable.result_appears(columns - 1)
        m.submodules.mesh = mesh = Mesh(config)
        m.submodules.tile = tile = TileWriter(config, timetable)
        m.submodules.wavefront = wave = DelayLine(last_result)
        held = Timetable(config)  # where a register keeps its word for as long as a vector takes to come
        captures = [held.captures(row, timetable.activation_due(row)) for row in range(config.rows)]
        m.submodules.activation_skew = skew = Skew(config.activation.width, captures, every_cycle=False)
        mesh.take_weights(m, tile)
        m.d.comb += [
            wave.enable.eq(1),
            wave.start.eq(start),
            mesh.enable.eq(wave.taps.any()),
            skew.enable.eq(1),
            skew.wave.eq(wave.taps[: len(skew.wave)]),
            tile.start.eq(start),
            tile.wave.eq(wave.taps),
            tile.word.eq(self.a),
            tile.write.eq(self.taken & does[Operation.WEIGHT]),
            tile.clear.eq(clears_weights),
        ]
        if config.memory_bits:
            with m.If(self.weight_write):
                m.d.comb += [tile.word.eq(self.weight), tile.write.eq(1)]
            m.d.comb += self.weight_ready.eq(tile.vacant & ~tile.complete)
        for row in range(config.rows):
            m.d.comb += [
                skew.words_in[row].eq(vector[row]),
                mesh.activations[row].eq(skew.words_out[row]),
            ]

        # Results. Of one column at most in a cycle.
        emerging = wave.taps[first_result : last_result + 1]
        emerged = Const(0, width)
        for column in range(columns):
            m.d.comb += mesh.psums_in[column].eq(0)
            emerged = emerged | Mux(emerging[column], mesh.psums_out[column], 0)
        takes, puts, room = Signal(), Signal(), Signal()
        depth = flowing(config) if config.memory_bits else 2 * columns
        m.submodules.results = results = ResultQueue(width, depth)
        unread = Signal(range(depth + 1))  # of complete vectors, in the queue or on their way
        enough, fits = Signal(), Signal()  # for a step to take one; for a vector's own
        m.d.comb += [enough.eq(unread > columns), fits.eq(1)]
        if config.memory_bits:
            with m.If(self.eager):
                m.d.comb += enough.eq(results.count != 0)
                m.d.comb += fits.eq((place != steps - 1) | (unread <= depth - columns + takes))
        m.d.comb += [
            takes.eq(stepping & enough | reading & (unread != 0)),
            # The rest of the vector begun must take as many as it takes for its own to fit in.
            room.eq((unread != 2 * columns) & (unread + place < columns + steps)),
            puts.eq(self.taken & does[Operation.RESULT] & room),
            results.put.eq(emerging.any() | puts),
            results.word.eq(Mux(puts, self.a, exact_specials(emerged, config.accumulator))),
            results.take.eq(self.taken & takes),
            results.clear.eq(clears_vectors),
        ]
        m.d.sync += unread.eq(unread + Mux(last_step, columns, 0) + puts - results.take)
        with m.If(clears_vectors):
            m.d.sync += unread.eq(0)

        # What the instruction gets.
        m.submodules.results_add = add = Add(config.accumulator, config.rounding, stages=0)
        status = Signal(WORD_BITS)
        fields = {
            "results": unread,
            "steps": place,
            "weights": tile.count,
            "complete": tile.complete & ~start,
        }
        for name, value in fields.items():
            low, bits = STATUS[name]
            m.d.comb += status[low : low + bits].eq(value)
        if config.memory_bits:
            m.d.comb += [self.status.eq(status), self.takes.eq(takes)]
        kept = Const(0, config.activation.width)
        for row in range(config.rows):
            kept = kept | Mux(self.a == row, vector[row], 0)
        m.d.comb += [
            add.a.eq(self.b),
            add.b.eq(Mux(takes, results.oldest, 0)),
            self.ready.eq(1),
            self.result.eq(add.sum),
        ]
        come = (~takes | (results.count != 0)) & (fits | reading)
        with m.Switch(self.operation):
            with m.Case(Operation.STEP, Operation.READ):
                m.d.comb += self.ready.eq(come)
            with m.Case(Operation.WEIGHT):
                m.d.comb += self.ready.eq(tile.vacant)
            with m.Case(Operation.STATUS):
                m.d.comb += self.result.eq(status)
            with m.Case(Operation.RESET):
                m.d.comb += self.ready.eq(~wave.taps.any())
            with m.Case(Operation.ACTIVATION):
                m.d.comb += self.result.eq(kept)
            with m.Case(Operation.RESULT):
                m.d.comb += self.ready.eq(results.count == unread)
        if config.accumulators:
            m.submodules.accumulators = held = Accumulators(config)
            m.d.comb += [
                held.operation.eq(self.operation),
                held.a.eq(self.a),
                held.taken.eq(self.taken),
                held.takes.eq(takes),
                held.sum.eq(add.sum),
            ]
            with m.Switch(self.operation):
                with m.Case(*STEPS):
                    m.d.comb += [add.a.eq(held.addend), self.ready.eq(come & held.ready)]
                with m.Case(Operation.SUM, Operation.HELD):
                    m.d.comb += [self.result.eq(held.word), self.ready.eq(held.ready)]
        return m


def flowing(config: SystolicConfig) -> int:
    """Return the most results that are unread with a step a cycle, each taken as soon as it is there."""
    columns, steps = config.columns, config.step_interval
    first = streaming(config).result_appears(0) + 2  # cycles from a vector's last step
    most, since = 0, 0
    while (left := columns - min(max(since - first, 0), columns)) > 0:
        most, since = most + left, since + steps
    return max(most, 2 * columns)
