"""What goes between memory and array: three kinds of words fetched, sums stored.

```
            activations <-- BeatReader <--.
                   sums <-- BeatReader <--+-- answers --.
                weights <-- BeatReader <--'             |
 results --> BeatPacker ---- beat ----------------> MemoryPort <--> memory
     VectorWalk of each ---- address ------------------^
```

Stores go first, so that sums that wait in the packer are in memory before any are read.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import WORD_BITS, SystolicConfig
from .memory import Kind, MemoryPort, port
from .packer import BeatPacker
from .reader import BeatReader
from .walk import ADDRESS_BITS, COUNT_BITS, VectorWalk


def beats_kept(words: int, length: int) -> int:
    """Return the beats of ``words`` of activations or sums that are there or on their way.

    With vectors of whole beats of four words, and memory that answers in the next cycle, two are enough for a
    word of each in every cycle. Smaller beats take one or two more for the port to be busy all the time, and
    vectors whose last beat is not whole take one more.
    """
    return {4: 2, 2: 3, 1: 4}[words] + (length % words != 0)


class Fetch(wiring.Component):
    """Fetches tiles' activations, sums and weights in order, and stores sums.

    Members
    -------
    memory:
        The memory port.
    vectors, x_stride, y_stride:
        In: vectors of a tile, and words from one to the next of activations and of sums.
    activations, sums, weights:
        Words that come. ``start``, ``base`` (in): a tile's begin there, while ``free`` (out); ``valid``,
        ``word``, ``last`` (out): the next one, and whether it is a tile's last; ``take`` (in).
    stores:
        Words that go: ``start``, ``base``, ``free`` as above, ``busy`` (out) while words of a tile are to
        come; ``ready`` (out), ``put``, ``word`` (in). With accumulators ``held`` (in): words of this tile are
        counted and not stored. There are no ``sums`` to fetch then.
    ahead:
        In: sums come from a later tile than what is stored: of the same place they wait until it is.
    run, clear:
        In: requests may be made; all tiles are given up.
    error:
        Out: in a cycle in which an answer is an error, which, ``Kind``; else 0.
    idle:
        Out: no tile is begun, and nothing is on its way.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        assert config.memory_bits is not None
        self.bits = config.memory_bits
        self.tile_words = config.rows * -(-config.columns // config.weights_per_word)
        begin = {"start": In(1), "base": In(ADDRESS_BITS), "free": Out(1)}
        words = {"valid": Out(1), "word": Out(WORD_BITS), "last": Out(1), "take": In(1)}
        stores = {"busy": Out(1), "ready": Out(1), "put": In(1), "word": In(config.accumulator.width)}
        if config.accumulators:
            stores["held"] = In(1)
        super().__init__(
            {
                "memory": Out(wiring.Signature(port(self.bits))),
                "vectors": In(COUNT_BITS),
                "x_stride": In(ADDRESS_BITS),
                "y_stride": In(ADDRESS_BITS),
                **{name: Out(wiring.Signature(begin | words)) for name in ("activations", "sums", "weights")},
                "stores": Out(wiring.Signature(begin | stores)),
                "ahead": In(1),
                "run": In(1),
                "clear": In(1),
                "error": Out(2),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, words = self.config, self.bits // WORD_BITS
        m.submodules.port = memory = MemoryPort(self.bits)
        wiring.connect(m, memory.memory, wiring.flipped(self.memory))

        # Stores.
        m.submodules.packer = packer = BeatPacker(words, config.accumulator.width)
        m.submodules.store_walk = walk = VectorWalk(words, config.columns)
        lane, within = Signal.like(walk.lane), Signal()  # of the next word, where a beat is begun
        place = Mux(within, lane, walk.lane)
        completes = place == walk.last_lane
        m.d.comb += [
            walk.start.eq(self.stores.start),
            walk.base.eq(self.stores.base),
            walk.stride.eq(self.y_stride),
            walk.vectors.eq(self.vectors),
            walk.next.eq(self.stores.put & completes),
            self.stores.free.eq(walk.free),
            self.stores.busy.eq(walk.busy),
            self.stores.ready.eq(packer.ready),
            packer.put.eq(self.stores.put),
            packer.word.eq(self.stores.word),
            packer.lane.eq(place),
            packer.completes.eq(completes),
            packer.address.eq(walk.beat),
        ]
        if config.accumulators:
            with m.If(self.stores.held):
                m.d.comb += [self.stores.ready.eq(1), packer.put.eq(0)]
            m.d.comb += self.sums.free.eq(1)
        with m.If(self.stores.put):
            m.d.sync += [lane.eq(place + 1), within.eq(~completes)]
        with m.If(self.clear):
            m.d.sync += within.eq(0)

        # Requests: stores first, then what a step waits for.
        asks = Signal()
        granted = Signal(range(len(Kind)))
        m.d.comb += [
            asks.eq(packer.full & self.run),
            granted.eq(Kind.STORE),
            memory.beat.eq(packer.target),
            memory.lanes.eq(packer.lanes),
            memory.data.eq(packer.beat),
        ]
        readers = {
            Kind.SUMS: (self.sums, config.columns, self.y_stride, self.vectors),
            Kind.ACTIVATIONS: (self.activations, config.rows, self.x_stride, self.vectors),
            Kind.WEIGHTS: (self.weights, self.tile_words, 0, 1),
        }
        if config.accumulators:
            del readers[Kind.SUMS]
        quiet = memory.idle & ~packer.full & ~walk.busy
        taken = packer.full
        store_walk = walk
        for kind, (side, length, stride, vectors) in readers.items():
            name = kind.name.lower()
            m.submodules[f"{name}_walk"] = walk = VectorWalk(words, length)
            m.submodules[f"{name}_reader"] = reader = BeatReader(
                words, 1 if kind is Kind.WEIGHTS else beats_kept(words, length)
            )
            wants = walk.busy & reader.room
            if kind is Kind.SUMS:
                wants &= ~self.ahead | ~store_walk.busy | (walk.left > store_walk.left)
            chosen = Signal(name=f"{name}_chosen")
            m.d.comb += [
                chosen.eq(wants & ~taken & self.run),
                walk.start.eq(side.start),
                walk.base.eq(side.base),
                walk.stride.eq(stride),
                walk.vectors.eq(vectors),
                walk.next.eq(chosen & memory.ready),
                walk.clear.eq(self.clear),
                side.free.eq(walk.free),
                reader.ask.eq(walk.next),
                reader.lane.eq(walk.lane),
                reader.last_lane.eq(walk.last_lane),
                reader.ends.eq(walk.ends),
                reader.arrives.eq(memory.answered & (memory.answer == kind) & self.run),
                reader.beat.eq(self.memory.rdata),
                reader.take.eq(side.take),
                reader.clear.eq(self.clear),
                side.valid.eq(reader.valid),
                side.word.eq(reader.word),
                side.last.eq(reader.last),
            ]
            with m.If(chosen):
                m.d.comb += [asks.eq(1), granted.eq(kind), memory.beat.eq(walk.beat)]
                m.d.comb += memory.lanes.eq(~0)
            taken |= wants
            quiet &= ~walk.busy & reader.empty
        failed = memory.answered & self.memory.err
        m.d.comb += [
            memory.ask.eq(asks & memory.ready),
            memory.kind.eq(granted),
            packer.take.eq(packer.full & self.run & memory.ready),
            packer.clear.eq(self.clear),
            store_walk.clear.eq(self.clear),
            self.error.eq(Mux(failed, Mux(memory.answer == Kind.STORE, Kind.SUMS, memory.answer), 0)),
            self.idle.eq(quiet),
        ]
        return m
