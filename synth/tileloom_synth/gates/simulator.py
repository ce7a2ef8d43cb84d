"""The simulator: lanes of 64 to a word, each with stimuli and state of its own; zero or unit delays.

A cycle is ``set`` for each input, ``settle``, what is to be read of the outputs, ``tick``. With unit delays
every cell takes one step from inputs to outputs, so that a gate whose inputs come in different steps changes
more than once: glitches. Cells on the clock's way have no delay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .bits import Bools
from .boolean import Lanes, compiled
from .flat import ONE, ZERO, Flat, Nets
from .units import FlipFlops, Units, circuit, levels, reached

ALL = ~np.uint64(0)


@dataclass(frozen=True)
class _Slice:
    """One evaluation: a function of gathered operands, into the nets from ``start`` to ``end``."""

    function: Callable[..., Lanes]
    operands: list[Nets]
    start: int
    end: int


@dataclass(frozen=True)
class _Run:
    """All units of one function that are not on the clock's way, in order of their levels."""

    function: Callable[..., Lanes]
    operands: list[Nets]
    start: int
    levels: Nets


class Simulator:
    """A netlist in simulation.

    Parameters
    ----------
    flat:
        The netlist.
    words:
        64 lanes each.
    clock:
        Name of the clock port; None for a netlist without.
    rng:
        Draws the state that registers begin with, one that hardware may not depend on.

    Attributes
    ----------
    values:
        Nets x words, in the simulator's own order of nets.
    ports, pins:
        Numbers of the nets of each port, and of each pin of the flat netlist's instances, open ones too; a
        cell's state is the pin ``""``.
    on_clock:
        Which nets follow the clock through gates alone.
    toggles:
        Changes of each net in all lanes, from ``count_toggles`` on.
    """

    def __init__(self, flat: Flat, *, words: int, clock: str | None, rng: np.random.Generator) -> None:
        self.flat, self.words = flat, words
        self._circuit = circuit(flat)
        nets, units = self._circuit.nets, self._circuit.units
        level = levels(nets, units)
        start = flat.ports[clock] if clock is not None else np.zeros(0, np.int64)
        on_clock = reached(nets, units, start, stop=self._circuit.latch_states)
        place, self._sources = _order(units, level, on_clock)
        self._clock = place[start]
        self.ports = {name: place[bits] for name, bits in flat.ports.items()}
        self.pins = [{pin: place[bits] for pin, bits in known.items()} for known in self._circuit.pins]
        units = [_placed(each, place) for each in units]
        level[place], on_clock[place] = level.copy(), on_clock.copy()
        self._slices, self._clock_slices = _slices(units, level, on_clock)
        self._runs = _runs(units, level, on_clock)
        self._depth = int(level[~on_clock].max(initial=0))
        self._flip_flops = [
            FlipFlops(f.clock, f.next_state, place[f.pins], place[f.states]) for f in self._circuit.flip_flops
        ]
        self.on_clock, self._clocked = on_clock, np.flatnonzero(on_clock)
        self.values: Lanes = rng.integers(0, 1 << 64, (nets, words), np.uint64)
        self.values[place[ZERO]], self.values[place[ONE]] = 0, ALL
        self.values[self._clock] = 0
        self._high = False
        self.toggles = np.zeros(nets, np.int64)
        self._counts = False
        self._settled = self.values.copy()

    def count_toggles(self) -> None:
        """Begin to count toggles, from what was settled last."""
        self.toggles[:] = 0
        self._counts = True

    def set(self, port: str, nets: Lanes | int) -> None:
        """Set a port's nets, bits x words or one bit for all; nothing follows from it before ``settle``."""
        self.values[self.ports[port]] = ALL * np.uint64(nets) if isinstance(nets, int) else nets

    def get(self, port: str) -> Lanes:
        """Return a port's bits x words."""
        return self.values[self.ports[port]]

    def tick(self) -> None:
        """Let the clock rise; what follows from the new state comes with ``settle``."""
        self._edge(ALL)
        self._high = True

    def settle(self, *, unit_delays: bool = False) -> None:
        """Let all follow from inputs and state, the clock's fall among it.

        Toggles are counted from one time to the next: one at most of each net, or with ``unit_delays`` every
        change on the way.
        """
        if unit_delays:
            self._step_by_step()
        if self._high:
            if self._circuit.latches:
                self._evaluate(self._slices)
            self._edge(np.uint64(0))
            self._high = False
        self._evaluate(self._slices)
        if self._counts and not unit_delays:
            self._count(slice(None))
        np.copyto(self._settled, self.values)

    def _step_by_step(self) -> None:
        """Let cells follow their inputs a step later, until nothing changes; count the changes."""
        values = self.values
        if self._counts:
            self._count(slice(0, self._sources))
        for step in range(1, self._depth + 1):
            changed = []
            moved = False
            for run in self._runs:
                # What is of a lower level than this has changed for the last time.
                first = int(np.searchsorted(run.levels, step))
                if first < len(run.levels):
                    operands = (values.take(nets[first:], axis=0) for nets in run.operands)
                    changed.append((run.start + first, run.function(*operands)))
            for start, after in changed:
                place = slice(start, start + len(after))
                difference = values[place] ^ after
                moved = moved or bool(difference.any())
                if self._counts:
                    self.toggles[place] += np.bitwise_count(difference).sum(axis=1, dtype=np.int64)
                values[place] = after
            if not moved:
                break

    def _count(self, place: slice) -> None:
        changes = np.bitwise_count(self._settled[place] ^ self.values[place]).sum(axis=1, dtype=np.int64)
        changes[self._clocked[self._clocked < len(changes)]] = 0  # counted at the edges
        self.toggles[place] += changes

    def _edge(self, value: np.uint64) -> None:
        """Set the clock, and let flip-flops whose clock rises by it take what is at their inputs."""
        values = self.values
        taken = []
        for flops in self._flip_flops:
            pins = [values[nets] for nets in flops.pins]
            taken.append(
                (compiled(flops.clock, len(pins))(*pins), compiled(flops.next_state, len(pins))(*pins))
            )
        before = values[self._clocked]
        values[self._clock] = value
        self._evaluate(self._clock_slices)
        if self._counts:
            changes = np.bitwise_count(before ^ values[self._clocked])
            self.toggles[self._clocked] += changes.sum(axis=1, dtype=np.int64)
        for flops, (clock, state) in zip(self._flip_flops, taken, strict=True):
            pins = [values[nets] for nets in flops.pins]
            rises = compiled(flops.clock, len(pins))(*pins) & ~clock
            now = values[flops.states]
            values[flops.states] = now ^ ((now ^ state) & rises)

    def _evaluate(self, slices: list[_Slice]) -> None:
        values = self.values
        for each in slices:
            values[each.start : each.end] = each.function(*(values.take(n, axis=0) for n in each.operands))


def _order(units: list[Units], level: Nets, on_clock: Bools) -> tuple[Nets, int]:
    """Return each net's new number, and how many nets that no unit drives are first."""
    kind = np.full(len(level), -1)
    for index, each in enumerate(units):
        kind[each.driven] = index
    order = np.lexsort((level, on_clock, kind))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place, int((kind < 0).sum())


def _placed(each: Units, place: Nets) -> Units:
    """Return units with nets by their new numbers, in order of what they drive."""
    driven = place[each.driven]
    order = np.argsort(driven)
    return Units(each.function, place[each.operands][:, order], driven[order])


def _slices(units: list[Units], level: Nets, on_clock: Bools) -> tuple[list[_Slice], list[_Slice]]:
    """Return all evaluations in order of levels, and those on the clock's way."""
    found: list[tuple[int, bool, _Slice]] = []
    for each in units:
        function = compiled(each.function[1], each.function[0])
        key = level[each.driven] * 2 + on_clock[each.driven]
        cuts = [0, *(np.flatnonzero(np.diff(key)) + 1), len(key)]
        for start, end in pairwise(cuts):
            first = int(each.driven[start])
            operands = [np.ascontiguousarray(nets[start:end]) for nets in each.operands]
            piece = _Slice(function, operands, first, first + end - start)
            found.append((int(key[start] // 2), bool(on_clock[first]), piece))
    found.sort(key=lambda each: each[0])
    return [piece for _, _, piece in found], [piece for _, clocked, piece in found if clocked]


def _runs(units: list[Units], level: Nets, on_clock: Bools) -> list[_Run]:
    runs = []
    for each in units:
        free = ~on_clock[each.driven]
        if free.any():
            operands = [np.ascontiguousarray(nets[free]) for nets in each.operands]
            function = compiled(each.function[1], each.function[0])
            driven = each.driven[free]
            runs.append(_Run(function, operands, int(driven[0]), level[driven]))
    return runs
