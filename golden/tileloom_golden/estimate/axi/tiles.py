"""A column's memory tile in time, and the loader that reads it instead of the bus (docs/grid.md)."""

from collections.abc import Iterator

from ...engine.program import Group
from .bus import ReadClient
from .events import COMMANDS, HALVES, Events
from .plan import Plan, Run
from .processes import Process, Times

THROUGH = 2
"""Cycles from a unit going into a tile to its coming out."""


class Tile:
    """What a tile and its loader tell each other.

    Attributes
    ----------
    handed, free:
        When commands came; when their places in the tile's queue were free.
    filled:
        When each unit went in, of all strips.
    emptied:
        When a half was free for a strip.
    """

    def __init__(self, plan: Plan, passes: int) -> None:
        self._plan = plan
        self._passes = passes
        self.handed: Times = []
        self.free: Times = [0] * COMMANDS
        self.filled: Times = []
        self.emptied: Times = [0] * HALVES

    def _commands(self) -> Iterator[list[Group]]:
        """Yield the first group of each strip of each command."""
        number = 0
        for repetition in self._plan.repetitions:
            if number % self._passes == 0:
                yield repetition.groups
            number += len(repetition.groups)

    def jobs(self) -> Iterator[Iterator[list[Run]]]:
        """Yield what is read for each command: of each strip the rows of all channel blocks."""
        for groups in self._commands():
            yield ([run for load, _ in group.parts for run in self._plan.runs(load)] for group in groups)

    def fill(self, client: ReadClient) -> Process:
        """Take a unit in each cycle, once the half is free that is its strip's."""
        now = beat = strip = 0
        for command, groups in enumerate(self._commands()):
            now = max(now, (yield self.handed, command))
            for group in groups:
                now = max(now, (yield self.emptied, strip))
                strip += 1
                for address, count in (run for load, _ in group.parts for run in self._plan.runs(load)):
                    units = count // self._plan.unit
                    place = address % self._plan.width // self._plan.unit
                    while units:
                        taken = min(units, self._plan.width // self._plan.unit - place)
                        first = max(now + 1, (yield client.arrivals, beat) + client.delay)
                        self.filled += range(first, first + taken)
                        now = first + taken - 1
                        client.free.append(now)
                        beat, units, place = beat + 1, units - taken, 0
                    client.ended.append(now)

    def load(self, events: Events) -> Process:
        """Write strips into the A buffers of the column, as often as they are read."""
        now = strip = begin = number = 0
        for command, step in enumerate(self._plan.steps):
            now = max(now, (yield events.loads, command))
            for load, _ in step.each():
                now = max(now, (yield events.released, strip)) + 1
                strip += 1
                top, bottom, left, right = load.pads
                line = load.padded[1]
                unit = begin + load.block * load.rows * load.width
                for row in range(load.blocks * load.rows):
                    now += top * line * (row % load.rows == 0) + left
                    unit += load.width
                    there = yield self.filled, unit - 1
                    now = max(now + load.width, there + THROUGH)
                    now += bottom * line * ((row + 1) % load.rows == 0) + right
                events.loaded.append(now)
                if step.part == len(step.repetition.groups[0].parts) - 1:
                    number += 1
                    if number % self._passes == 0:
                        self.emptied.append(now)
                        begin = unit
            events.loads_free.append(now)
            if not number % self._passes:
                self.free.append(now)
