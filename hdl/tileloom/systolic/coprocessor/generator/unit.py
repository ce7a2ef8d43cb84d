"""The functional unit with an address generator: tiles by one instruction each, beside those of every array.

```
 MULTIPLY --> [waiting: x, y] --> weights, activations --> Fetch <--> memory
                      |                                    ^ |
                      '--> [sums: y] --> [stores: y] ------' | words
 core's other operations ----------------------. idle        v
                                               +----------> Unit: weights, beside STEP or READ
```

A command goes through three places: it waits while its weights and first activations come, its sums are then
fetched while results of the command before are stored, and last its own are. Each place is left for the next
command as soon as the one behind is free: so the array has a step in every cycle from tile to tile.
"""

from __future__ import annotations

import enum

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config import WORD_BITS, SystolicConfig
from ..decode import OPERATION_BITS
from ..instruction import GENERATOR_STATUS, RESET_SUMS, RESET_VECTORS, RESET_WEIGHTS, Operation, Setting
from ..unit import Unit
from .fetch import Fetch
from .memory import port
from .walk import ADDRESS_BITS, COUNT_BITS


class State(enum.IntEnum):
    """What the generator does."""

    IDLE = 0
    BEGIN = 1  # the array forgets what it had begun
    RUN = 2
    FAIL = 3  # an answer was an error; the rest of them is awaited


class FetchingUnit(wiring.Component):
    """A ``Unit`` that executes MULTIPLY and SETTING too; ``docs/generator.md`` says what they do.

    Members as those of ``Unit``, and ``memory``, the port by which it fetches and stores (``memory.port``).
    MULTIPLY and STATUS are ``ready`` in every cycle, other operations once no command is left.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        assert config.memory_bits is not None
        super().__init__(
            {
                "operation": In(OPERATION_BITS),
                "a": In(WORD_BITS),
                "b": In(WORD_BITS),
                "taken": In(1),
                "ready": Out(1),
                "result": Out(WORD_BITS),
                "memory": Out(wiring.Signature(port(config.memory_bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        m.submodules.array = unit = Unit(config)
        m.submodules.fetch = fetch = Fetch(config)
        wiring.connect(m, fetch.memory, wiring.flipped(self.memory))
        state = Signal(State)
        idle, runs = state == State.IDLE, state == State.RUN

        # Settings.
        weights, x_stride, y_stride = (
            Signal(ADDRESS_BITS, name=name) for name in ("weights", "x_stride", "y_stride")
        )
        vectors, error = Signal(COUNT_BITS), Signal(2)
        setting = Signal(WORD_BITS)
        settings = {
            Setting.WEIGHTS: (weights, 2),
            Setting.VECTORS: (vectors, 0),
            Setting.X_STRIDE: (x_stride, 2),
            Setting.Y_STRIDE: (y_stride, 2),
            Setting.ERROR: (error, 0),
        }
        sets = self.taken & (self.operation == Operation.SETTING)
        with m.Switch(self.b[:3]):
            for number, (register, low) in settings.items():
                with m.Case(number):
                    m.d.comb += setting[low : low + len(register)].eq(register)
                    with m.If(sets):
                        m.d.sync += register.eq(self.a[low:])
        m.d.comb += [
            fetch.vectors.eq(vectors),
            fetch.x_stride.eq(x_stride),
            fetch.y_stride.eq(y_stride),
        ]

        # Commands. What waits is gone once each of its parts is.
        held = config.accumulators is not None
        place = data.StructLayout({"first": 1, **({"more": 1} if held else {}), "base": ADDRESS_BITS})
        x, y = Signal(ADDRESS_BITS), Signal(place)
        needs_weights, needs_x, needs_y, loads = Signal(), Signal(), Signal(), Signal()
        waiting = needs_weights | needs_x | needs_y | loads
        possible, accepts = Signal(), Signal()
        m.d.comb += [
            possible.eq(~waiting & (error == 0)),
            accepts.eq(self.taken & (self.operation == Operation.MULTIPLY) & possible),
        ]
        with m.If(accepts):
            m.d.sync += [
                x.eq(self.a[2:]),
                y.base.eq(self.b[2:]),
                y.first.eq(self.b[0]),
                Cat(needs_weights, needs_x, needs_y, loads).eq(0b1111),
            ]
            if held:
                m.d.sync += y.more.eq(self.b[1])
        # Its sums, and then the place to store them, in turn.
        sums, sums_wait = Signal(place), Signal()
        first = Signal()  # of what is stored
        more = Signal() if held else None
        sums_begin = runs & needs_y & fetch.sums.free & ~sums_wait
        m.d.comb += [
            fetch.weights.start.eq(runs & needs_weights & fetch.weights.free),
            fetch.weights.base.eq(weights),
            fetch.activations.start.eq(runs & needs_x & fetch.activations.free),
            fetch.activations.base.eq(x),
            fetch.sums.start.eq(0 if held else sums_begin & ~y.first),
            fetch.sums.base.eq(y.base),
            fetch.stores.start.eq(runs & sums_wait & fetch.stores.free),
            fetch.stores.base.eq(sums.base),
            fetch.ahead.eq(sums_wait),
        ]
        with m.If(fetch.weights.start):
            m.d.sync += [needs_weights.eq(0), weights.eq(weights + fetch.tile_words)]
        with m.If(fetch.activations.start):
            m.d.sync += needs_x.eq(0)
        with m.If(fetch.stores.start):
            m.d.sync += [sums_wait.eq(0), first.eq(sums.first)]
            if more is not None:
                m.d.sync += more.eq(sums.more)
        with m.If(sums_begin):
            m.d.sync += [needs_y.eq(0), sums_wait.eq(1), sums.eq(y)]

        # Steps. A tile's last word of weights is held back until the last vector of the tile before has
        # started, as it would take the tile up; the first step comes with it.
        steps = config.step_interval
        step, stepping, ending = Signal(range(steps)), Signal(), Signal()
        loaded, steps_now = Signal(), Signal()
        m.d.comb += [
            unit.weight.eq(fetch.weights.word),
            unit.weight_write.eq(
                runs & fetch.weights.valid & unit.weight_ready & ~(fetch.weights.last & stepping)
            ),
            fetch.weights.take.eq(unit.weight_write),
            loaded.eq(unit.weight_write & fetch.weights.last),
            steps_now.eq(stepping | loaded),
        ]
        has_activation = step < config.rows
        fires, adds = Signal(), Signal()
        m.d.comb += [
            adds.eq(0 if held else unit.takes & ~first),
            fires.eq(
                runs
                & unit.ready
                & Mux(steps_now, ~has_activation | fetch.activations.valid, unit.takes)
                & (
                    ~unit.takes
                    | fetch.stores.busy & fetch.stores.ready & (1 if held else first | fetch.sums.valid)
                )
            ),
            fetch.activations.take.eq(fires & steps_now & has_activation),
            fetch.sums.take.eq(fires & adds),
            fetch.stores.put.eq(fires & unit.takes),
            fetch.stores.word.eq(unit.result),
        ]
        last_step = step == steps - 1
        ends = ending | fetch.activations.take & fetch.activations.last
        with m.If(loaded):
            m.d.sync += [loads.eq(0), stepping.eq(1)]
        with m.If(fires & steps_now):
            m.d.sync += [step.eq(step + 1), ending.eq(ends)]
            with m.If(last_step):
                m.d.sync += [step.eq(0), ending.eq(0), stepping.eq(~ends)]

        # What the array does: the core's operations, or the generator's.
        of_the_core: Value = self.operation < Operation.MULTIPLY
        if held:
            of_the_core = of_the_core | (self.operation > Operation.SETTING)
        m.d.comb += [
            unit.operation.eq(self.operation),
            unit.a.eq(self.a),
            unit.b.eq(self.b),
            unit.taken.eq(self.taken & idle & of_the_core),
            self.ready.eq(idle & unit.ready),
            self.result.eq(unit.result),
            fetch.run.eq(runs),
        ]
        with m.If(runs):
            m.d.comb += [
                unit.operation.eq(Mux(steps_now, Operation.STEP, Operation.READ)),
                unit.a.eq(Mux(has_activation, fetch.activations.word, 0)),
                unit.b.eq(Mux(adds, fetch.sums.word, 0)),
                unit.taken.eq(fires),
                unit.eager.eq(1),
            ]
            if more is not None:
                m.d.comb += [unit.reads.eq(~steps_now), fetch.stores.held.eq(more)]
                with m.If(more):
                    m.d.comb += unit.operation.eq(Mux(first, Operation.FIRST, Operation.NEXT))
                with m.Elif(~first):
                    m.d.comb += unit.operation.eq(Operation.LAST)
        with m.Elif(~idle):
            m.d.comb += [
                unit.operation.eq(Operation.RESET),
                unit.a.eq(RESET_VECTORS | RESET_WEIGHTS),
                unit.taken.eq(unit.ready & ((state == State.BEGIN) | fetch.idle)),
            ]
            if held:
                with m.If(state == State.FAIL):
                    m.d.comb += unit.a.eq(RESET_VECTORS | RESET_WEIGHTS | RESET_SUMS)
        status = Signal(WORD_BITS)
        m.d.comb += status.eq(unit.status)
        for name, value in {"busy": ~idle, "error": error}.items():
            low, bits = GENERATOR_STATUS[name]
            m.d.comb += status[low : low + bits].eq(value)
        low = GENERATOR_STATUS["busy"][0]
        with m.Switch(self.operation):
            with m.Case(Operation.MULTIPLY):
                refusal = Cat(~possible, error)
                m.d.comb += [self.ready.eq(1), self.result.eq(0), self.result[low:].eq(refusal)]
            with m.Case(Operation.SETTING):
                m.d.comb += [self.ready.eq(idle), self.result.eq(setting)]
            with m.Case(Operation.STATUS):
                m.d.comb += [self.ready.eq(1), self.result.eq(status)]

        # From state to state.
        with m.Switch(state):
            with m.Case(State.IDLE), m.If(accepts):
                m.d.sync += state.eq(State.BEGIN)
            with m.Case(State.BEGIN), m.If(unit.taken):
                m.d.sync += state.eq(State.RUN)
            with m.Case(State.RUN):
                with m.If(fetch.error.any()):
                    m.d.sync += [state.eq(State.FAIL), error.eq(fetch.error)]
                    m.d.comb += fetch.clear.eq(1)
                    m.d.sync += Cat(needs_weights, needs_x, needs_y, loads, sums_wait).eq(0)
                    m.d.sync += [stepping.eq(0), step.eq(0), ending.eq(0)]
                with m.Elif(fetch.idle & ~waiting & ~sums_wait & ~stepping & ~accepts):
                    m.d.sync += state.eq(State.IDLE)
            with m.Case(State.FAIL), m.If(unit.taken):
                m.d.sync += state.eq(State.IDLE)
        return m
