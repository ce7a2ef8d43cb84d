"""The block-sparse engine's three units in time: what loading, computing and writing wait for.

A strip is loaded while the one before is computed, a block column is written while the next is computed:

    loaded(s)   = max(loaded(s - 1), computed(s - 2)) + units of s
    fed(j)      = max(fed(j - 1), begin of j - 1, when the FIFO has room) + beats of j
    computed(j) = max(computed(j - 1), written(j - 2), loaded, header fed) + blocks kept in j x taps x tiles
    written(j)  = max(written(j - 1), computed(j)) + rows of j

Each event has its time in the unit where it is felt: `loaded` is the cycle in which the sequencer sees a full
half, `computed` the one after the last tile is at the core, `written` the one after the last row is read from
the accumulators. `fed` is in the core's time too, two cycles after the bus: a beat is that long in the queue
before the core, and a column with its header that long from the sequencer to the core.

Equal strips settle into equal steps, and from there on are multiplied.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..engine.layer import EngineSize
from ..engine.memory_map import kept_blocks
from ..engine.program import Conv, Group, Load


@dataclass(frozen=True, kw_only=True)
class Overheads:
    """Cycles of control, counted in the RTL; everything else follows on without any.

    Attributes
    ----------
    start:
        The first command's, in its unit's queue.
    load:
        In which the loader takes a half, once it is done with the strip before.
    begin:
        From the sequencer's loops to the core: the registers of the A buffer's read and of its tile.
    queue:
        From a block's `take` to the room that it makes for a beat of weights outside: the shadow block is
        empty in the next cycle (1), and the queue tells of the beat that moves there one later (1). On the
        bus that is 2, and 2 more in the core's time.
    free:
        From a half's last row read to the next tile that uses it: the lock (1), and `begin`.
    row:
        From the accumulators to the lanes: the register of what was read.
    lane, requantise:
        Through a lane, and how much longer that is with requantisation, whose registers are those of the sum,
        the product and the result.
    """

    start: int = 1
    load: int = 1
    begin: int = 2
    queue: int = 4
    free: int = 3
    row: int = 1
    lane: int = 1
    requantise: int = 2

    def leaving(self, size: EngineSize) -> int:
        """Return the cycles from a row read to a row taken."""
        return self.row + self.lane + self.requantise * size.requantise


@dataclass
class Clock:
    """Where the three units have come to."""

    loaded: int = 0
    computed: int = 0
    written: int = 0
    fed: int = 0
    started: int = 0
    ready: int = 0
    released: list[int] = field(default_factory=lambda: [0, 0])
    freed: list[int] = field(default_factory=lambda: [0, 0])

    def advance(self, cycles: int) -> None:
        """Let everything happen so much later."""
        self.loaded += cycles
        self.computed += cycles
        self.written += cycles
        self.fed += cycles
        self.started += cycles
        self.ready += cycles
        self.released = [time + cycles for time in self.released]
        self.freed = [time + cycles for time in self.freed]

    def relative(self) -> tuple[int, ...]:
        """Return the times, counted from `computed`."""
        now, released, freed = self.computed, self.released, self.freed
        return (
            self.loaded - now,
            self.written - now,
            self.fed - now,
            self.started - now,
            self.ready - now,
            released[0] - now,
            released[1] - now,
            freed[0] - now,
            freed[1] - now,
        )

    def settle(self, computed: int, relative: tuple[int, ...]) -> None:
        """Become what has this time of `computed`, and these times relative to it."""
        self.computed = computed
        self.loaded, self.written, self.fed, self.started, self.ready, *rest = (
            computed + time for time in relative
        )
        self.released, self.freed = rest[:2], rest[2:]


@dataclass(frozen=True)
class Part:
    """One LOAD and CONV.

    Attributes
    ----------
    units:
        To load.
    passes:
        Cycles from a block's tap to the next, as a rule.
    columns:
        Of each, kept blocks times taps, cycles from the first to the last, and those of the last.
    accumulate, finish:
        Of the CONV.
    """

    units: int
    passes: int
    columns: Sequence[tuple[int, int, int]]
    accumulate: bool
    finish: bool

    @staticmethod
    def of(
        load: Load,
        conv: Conv,
        mask: npt.NDArray[np.bool_],
        size: EngineSize,
        blocked: npt.NDArray[np.bool_] | None,
    ) -> "Part":
        """Return what a LOAD and its CONV take; `blocked` says where A is not zero, if that counts."""
        taps = conv.kernel[0] * conv.kernel[1]
        kept = kept_blocks(conv, mask)
        blocks = kept.sum(axis=0)
        tiles = tiles_of(load, conv, size, blocked)
        passes = np.maximum(tiles, max(size.interval, size.hazard))
        bottom = conv.blocks - 1 - np.argmax(kept[::-1], axis=0)
        last = np.where(blocks > 0, tiles[bottom], 0)
        before = np.where(blocks > 0, taps * (passes @ kept) - passes[bottom], 0)
        return Part(
            units=load.padded[0] * load.padded[1] * load.blocks,
            passes=round(float(passes.mean())),
            columns=list(zip((blocks * taps).tolist(), before.tolist(), last.tolist(), strict=True)),
            accumulate=conv.accumulate,
            finish=conv.finish,
        )

    @cached_property
    def cycles(self) -> int:
        """In which a block is in use, or an empty column passes."""
        return sum(max(1, before + last) for _, before, last in self.columns)


def tiles_of(
    load: Load, conv: Conv, size: EngineSize, blocked: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.int64]:
    """Return the tiles that a block of each block row is multiplied by, of all taps each.

    `blocked` says where A is not zero, channel blocks x H x W x k, for an engine that skips tiles of zeros;
    where all are, one is visited.
    """
    if blocked is None or not conv.masked:
        return np.full(conv.blocks, conv.rows * conv.tiles)
    units = blocked[load.block :, load.y, load.x :][: load.blocks, : load.width].any(axis=2)
    filled = np.pad(units, ((0, 0), (0, -load.width % size.m)))
    return np.maximum(1, filled.reshape(load.blocks, -1, size.m).any(axis=2).sum(axis=1))


def drained(group: Group, size: EngineSize) -> int:
    """Return the cycles in which a block column of a strip is written."""
    return group.write.rows * -(-group.write.width // size.drain_rows)


Known = dict[tuple[tuple[tuple[int, ...], ...], int, tuple[int, ...]], tuple[int, tuple[int, ...]]]
"""Of a group's shape, a count and relative times before: cycles until after, and relative times then."""


def repeat(
    clock: Clock,
    group: Group,
    parts: list[Part],
    count: int,
    size: EngineSize,
    times: Overheads,
    known: Known,
) -> None:
    """Let equal groups pass; once one leaves the units as the one before did, the rest take as long as it.

    What was seen of such groups is looked up in ``known``, and kept there.
    """
    began, key = clock.computed, (group.shape, count, clock.relative())
    if key in known:
        cycles, after = known[key]
        clock.settle(began + cycles, after)
        return
    before: tuple[int, ...] | None = None
    for done in range(count):
        start = clock.computed
        _pass(clock, parts, drained(group, size), size, times)
        if clock.relative() == before:
            clock.advance((count - done - 1) * (clock.computed - start))
            break
        before = clock.relative()
    known[key] = clock.computed - began, clock.relative()


def _pass(clock: Clock, parts: list[Part], drain: int, size: EngineSize, times: Overheads) -> None:
    """Let one group pass."""
    beats, header = size.block_beats, size.header_beats
    interval, latency, first = size.interval, size.latency, header + beats - 1 + size.block_latency
    computed, written, fed, started, ready = (
        clock.computed,
        clock.written,
        clock.fed,
        clock.started,
        clock.ready,
    )
    other, freed = clock.freed
    for part in parts:
        clock.loaded = max(clock.loaded + times.load, clock.released[0]) + part.units
        computed = max(computed, clock.loaded + times.begin)
        lag = room(part.passes, size, times)
        for blocks, before, tiles in part.columns:
            begun = max(fed, started + 1)
            fed = begun + header + blocks * beats
            started = max(computed, begun + header)
            if not part.accumulate and other > started:
                started = other
            if not blocks:
                computed = started + 1
            else:
                last = max(started, ready, begun + first) + before
                computed = last + tiles
                ready = last + max(tiles, interval)
                # The last beat waits outside until the FIFO has room for it.
                fed = max(fed, last - lag)
            if part.finish:
                written = max(written, computed + latency) + drain
                other, freed = freed, written + times.free
        clock.released = [clock.released[1], computed]
    clock.computed, clock.written, clock.fed, clock.started, clock.ready = (
        computed,
        written,
        fed,
        started,
        ready,
    )
    clock.freed = [other, freed]


def room(passes: int, size: EngineSize, times: Overheads) -> int:
    """Return how long before a column's last block its last beat has room in the FIFO.

    ``passes`` are cycles from a block to the next. Where beats do not fill the FIFO evenly, the block before
    goes first; where they do, the last beat of a block, which makes the room, leaves as the block is taken.
    """
    whole, rest = divmod(size.weight_beats, size.block_beats)
    # A FIFO of one or two beats has fewer stages, and holds a beat back for fewer cycles.
    queue = min(times.queue, size.weight_beats + 1)
    if rest or size.by_rows:
        return passes * (1 + whole) - size.block_beats + rest - queue
    return passes * whole - queue
