"""An array's registers (docs/registers.md), cycle by cycle: jobs, and what of each stream belongs to them."""

from dataclasses import dataclass, field

from ..registers import (
    BUSY_CYCLES,
    CONTROL,
    CYCLES,
    SOFT_RESET,
    STALLS_IN,
    STALLS_OUT,
    WORD,
    Registers,
)

FAULT_VECTOR = 0x1C
VECTORS, TILES, JOB, FAULT_PLACE = range(0x20, 0x30, 4)
RESULTS = 0x40
SIZE, OPTIONS, STAGES, LATENCY = range(0x50, 0x60, 4)

PSUM_IN, KEEP_WEIGHTS = 1, 2
LAST_EARLY, LAST_MISSING, NOT_FINITE, OVERFLOW = 1, 2, 4, 8
"""Bits of JOB and of FAULT."""

ACTIVATIONS, WEIGHTS, RESULTS_OUT = range(3)
"""The stream of FAULT_PLACE."""


@dataclass(frozen=True)
class Moved:
    """What the streams do in a cycle.

    Attributes
    ----------
    row, vector, result:
        A row of weights, a vector of activations goes in; a vector of results is taken.
    psum:
        A vector of ``psum_in`` goes in.
    waits:
        A vector of results is on offer and is not taken.
    last:
        TLAST of the vector that goes in.
    not_finite, row_not_finite:
        The vector, or the row of weights, that goes in has infinity or NaN.
    result_last, infinite:
        TLAST of the result that is taken; it has infinity.
    """

    row: bool = False
    vector: bool = False
    psum: bool = False
    result: bool = False
    waits: bool = False
    last: bool = False
    not_finite: bool = False
    row_not_finite: bool = False
    result_last: bool = False
    infinite: bool = False


@dataclass
class ArrayRegisters(Registers):
    """The registers of an array, and what it does that software sees.

    Attributes
    ----------
    rows, step_interval:
        Of the array.
    vectors, tiles, job, kept:
        What software wrote; whether the array has weights for the next job's first tile.
    rows_due, vectors_due, results_due:
        Rows of weights, vectors in and vectors out that belong to the job and are still to come.
    """

    counts: dict[int, int] = field(
        default_factory=lambda: dict.fromkeys((CYCLES, BUSY_CYCLES, STALLS_IN, STALLS_OUT, RESULTS), 0)
    )
    rows: int = 1
    step_interval: int = 1
    vectors: int = 0
    tiles: int = 0
    job: int = 0
    kept: bool = False
    rows_due: int = 0
    vectors_due: int = 0
    results_due: int = 0
    interval: int = 0
    """Cycles in which the array must still move before the next vector."""
    place: tuple[int, int, int] = (0, 0, 0)
    """Of the first fault: the number in its tile, the tile's in the job, the stream."""

    def own_words(self) -> dict[int, int]:
        """Return the words of the array's own registers, by address."""
        vector, tile, stream = self.place
        found = {FAULT_VECTOR: vector, FAULT_PLACE: tile | stream << 16}
        return {VECTORS: self.vectors, TILES: self.tiles, JOB: self.job, **found}

    def own_write(self, address: int, word: int) -> None:
        """Take a word into VECTORS, TILES or JOB, unless it is busy."""
        if self.busy:
            return
        if address == VECTORS:
            self.vectors = word
        elif address == TILES:
            self.tiles = word & 0xFFFF
        elif address == JOB:
            self.job = word & (PSUM_IN | KEEP_WEIGHTS)

    def may_start(self) -> bool:
        """Whether there is anything to do."""
        return self.vectors > 0 and self.tiles > 0

    def began(self) -> None:
        """Begin a job."""
        self.fault = 0
        self.rows_due = (self.tiles - self.kept) * self.rows
        self.vectors_due = self.results_due = self.vectors * self.tiles
        self.kept = bool(self.job & KEEP_WEIGHTS)

    def cycle(self, moved: Moved, write: tuple[int, int, int] | None = None) -> int | None:
        """Go through a cycle in which the streams do this, and a write is taken; return its response.

        Raises ValueError that says what the array did that it must not.
        """
        busy, resetting = self.busy, self.resetting
        self._check(moved)
        starved = self.vectors_due > 0 and not moved.waits and not moved.vector and self.interval <= 0
        self._count({CYCLES: 1, BUSY_CYCLES: busy, STALLS_IN: starved and not resetting})
        self._count({STALLS_OUT: moved.waits, RESULTS: moved.result})
        if not moved.waits:
            self.interval -= 1
        # A start that is carried out in this cycle clears FAULT, and nothing moves yet.
        fault = self._faults(moved)
        if fault and not self.fault:
            self.place = self._place(moved, fault)
        response = self.write(*write) if write else None
        self.rows_due -= moved.row
        if moved.vector:
            self.vectors_due -= 1
            self.interval = self.step_interval - 1
        self.results_due -= moved.result
        self.fault |= fault
        if moved.result and self.results_due == 0 and not resetting:
            self.ended()
            self.busy = self.resetting
        if self.resetting:
            self.rows_due = self.vectors_due = 0
        if resetting and not moved.waits and not _asks_for_reset(write):
            self.reset_done()
        return response

    def reset_done(self) -> None:
        """End a soft reset."""
        super().reset_done()
        self.kept, self.results_due, self.interval = False, 0, 0

    def _count(self, amounts: dict[int, int]) -> None:
        for counter, amount in amounts.items():
            self.counts[counter] = (self.counts[counter] + amount) & WORD

    def _check(self, moved: Moved) -> None:
        for name, moves, due in (
            ("row of weights", moved.row, self.rows_due),
            ("vector", moved.vector, self.vectors_due),
            ("result", moved.result or moved.waits, self.results_due),
        ):
            if moves and not due:
                raise ValueError(f"a {name} more than the job has")
        if moved.psum != (moved.vector and bool(self.job & PSUM_IN)):
            raise ValueError("a vector of psum_in that does not go with one of activations")
        if moved.result and moved.result_last != self._ends_tile(self.results_due):
            raise ValueError("TLAST of results at the wrong place")

    def _ends_tile(self, due: int) -> bool:
        return due % self.vectors == 1 % self.vectors

    def _faults(self, moved: Moved) -> int:
        last = moved.vector and self._ends_tile(self.vectors_due)
        return (
            LAST_EARLY * (moved.vector and moved.last and not last)
            | LAST_MISSING * (last and not moved.last)
            | NOT_FINITE * (moved.not_finite or moved.row_not_finite)
            | OVERFLOW * moved.infinite
        )

    def _place(self, moved: Moved, fault: int) -> tuple[int, int, int]:
        """Return where a cycle's fault is: of activations before weights, of these before results."""
        count = self.vectors * self.tiles
        if fault & (LAST_EARLY | LAST_MISSING) or moved.not_finite:
            tile, vector = divmod(count - self.vectors_due, self.vectors)
            return vector, tile, ACTIVATIONS
        if moved.row_not_finite:
            tile, row = divmod(self.tiles * self.rows - self.rows_due, self.rows)
            return row, tile, WEIGHTS
        tile, vector = divmod(count - self.results_due, self.vectors)
        return vector, tile, RESULTS_OUT


def _asks_for_reset(write: tuple[int, int, int] | None) -> bool:
    """Return whether a write of this cycle asks for a soft reset, again: it then takes a cycle more."""
    if write is None:
        return False
    address, data, strobe = write
    return address & ~3 == CONTROL and bool(data & SOFT_RESET) and bool(strobe & 1)
