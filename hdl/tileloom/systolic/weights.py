"""Weight loading: takes tiles of weights from a stream and writes them into the mesh at the right time.

A tile serves all vectors up to and including its last. When its weights may be overwritten is known from the
timetable alone, so that weights and activations need no synchronisation but ``last``.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..arith.factor import EncodeFactor, FactorFormat
from ..hierarchy import add_shared
from .config import WORD_BITS, Port, SystolicConfig
from .skew import DelayLine
from .timing import Timetable


class WeightLoader(wiring.Component):
    """Writes weights into the mesh, and says when a vector may start.

    Ports
    -----
    weights:
        Stream in: a row of the tile per transfer (stream port) or a 32-bit word (word port), as in
        ``docs/systolic.md``. ``ready`` does not depend on ``valid``.
    enable, start, ending:
        In: the array moves; a vector starts; the last word of a tile's last vector is accepted. The latter
        two count in cycles in which ``enable`` is high.
    may_start:
        Out: the weights that the next vector needs are there.
    mesh_weights, write_rows, write_columns:
        Out, to the mesh's ports.
    swaps:
        Out, only with double_buffer: a bit per row, in time with the row's activation.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        self.factor = FactorFormat.of(config.weight)
        whole_row = config.port is Port.STREAM
        self.per_transfer = config.columns if whole_row else config.weights_per_word
        bits = config.columns * config.weight.width if whole_row else WORD_BITS
        super().__init__(
            {
                "weights": In(stream.Signature(bits)),
                "enable": In(1),
                "start": In(1),
                "ending": In(1),
                "may_start": Out(1),
                "mesh_weights": Out(data.ArrayLayout(self.factor.layout, config.columns)),
                "write_rows": Out(config.rows),
                "write_columns": Out(config.columns),
                **({"swaps": Out(config.rows)} if config.double_buffer else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        timetable = Timetable(config)

        # Where the next transfer goes. A row's transfers are its groups of columns.
        groups = -(-config.columns // self.per_transfer)
        row = Signal(range(config.rows))
        group = Signal(range(groups))
        vacant = Signal(init=1)
        loaded = Signal()
        transfer = Signal()
        m.d.comb += [self.weights.ready.eq(vacant), transfer.eq(self.weights.valid & vacant)]
        with m.If(transfer):
            m.d.sync += group.eq(group + 1)
            with m.If(group == groups - 1):
                m.d.sync += [group.eq(0), row.eq(row + 1)]
                with m.If(row == config.rows - 1):
                    m.d.sync += [row.eq(0), vacant.eq(0), loaded.eq(1)]
        m.d.comb += [
            self.write_rows.eq(Cat(transfer & (row == index) for index in range(config.rows))),
            self.write_columns.eq(
                Cat(group == column // self.per_transfer for column in range(config.columns))
            ),
        ]
        encoded = [
            self._encode(m, platform, index) for index in range(min(self.per_transfer, config.columns))
        ]
        for column in range(config.columns):
            m.d.comb += self.mesh_weights[column].eq(encoded[column % self.per_transfer])

        # Who hands the weights over and so makes room: with double buffering a tile's first vector, without
        # its last one. ``leaving`` follows that vector through the array.
        if config.double_buffer:
            first = Signal(init=1)
            m.d.comb += self.may_start.eq(loaded | ~first)
            with m.If(self.enable & (self.start | self.ending)):
                m.d.sync += first.eq(self.ending)
            hands_over = self.start & first
            swap_cycles = [timetable.activation_due(index) for index in range(config.rows)]
            since, length = 0, max(timetable.weights_released, swap_cycles[-1])
        else:
            m.d.comb += self.may_start.eq(loaded)
            hands_over = self.ending
            since = timetable.vector_complete
            length = timetable.weights_released - since
        m.submodules.leaving = leaving = DelayLine(length)
        m.d.comb += [leaving.enable.eq(self.enable), leaving.start.eq(hands_over)]
        if config.double_buffer:
            m.d.comb += self.swaps.eq(Cat(leaving.taps[cycle] for cycle in swap_cycles))
        with m.If(self.enable & hands_over):
            m.d.sync += loaded.eq(0)
        with m.If(self.enable & leaving.taps[timetable.weights_released - since]):
            m.d.sync += vacant.eq(1)
        return m

    def _encode(self, m: Module, platform: object, index: int) -> Value:
        """Return weight ``index`` of a transfer, encoded."""
        width = self.config.weight.width
        encode = add_shared(
            m, platform, "encode_weight", f"encode_{index}", lambda: EncodeFactor(self.config.weight)
        )
        # A bus word starts with its first weight in the most significant bits, a row with it in the least.
        offset = index * width if self.config.port is Port.STREAM else WORD_BITS - (index + 1) * width
        m.d.comb += encode.word.eq(self.weights.payload[offset : offset + width])
        return encode.factor
