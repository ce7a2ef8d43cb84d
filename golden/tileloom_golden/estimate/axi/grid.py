"""How many cycles a grid of engines with one AXI4 master takes for a program (docs/grid.md, Cycles).

Units are those of one engine (`units`, `sequencer`). Engines of a column have one loader, those of a row one
walker and one feeder: what is broadcast goes on when the slowest of them is ready.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...engine.grid import TO_COLUMNS, TO_ROWS, GridProgram
from ...engine.grid_memory import in_memory
from ...engine.memory_map import memory_map, repetitions_of
from ...engine.program import CONV, DESCRIPTOR_BYTES, LOAD, NOTHING, OPCODE, WRITE
from .bus import OUTSTANDING, Bus, ReadChannel, ReadClient
from .engine import IDLE
from .events import HALVES, Events
from .plan import Plan
from .processes import Network, Process, Times
from .sequencer import sequencer
from .tiles import Tile
from .units import FIRST, core, drain, feeder, loader, walker

BURST = 3
"""Cycles from a burst's last result to its first beat on W: of the beat, of its queue, of AW."""

ANSWER = 3
"""Cycles from the last beat on W to `status`: as in `engine.ANSWER`."""


def grid_cycles(program: GridProgram, mask: npt.NDArray[np.bool_], bus: Bus, leaving: int) -> int:
    """Return the cycles from the offer on `start` until `status` is there.

    ``program`` is from `compile_grid`; else as `axi_cycles`.
    """
    rows, columns = range(len(program.engines)), range(len(program.engines[0]))
    engines = [one for row in program.engines for one in row]
    result_bytes = 1 if program.size.requantise else 4
    where = memory_map(program, mask, result_bytes=result_bytes, base=bus.base)
    runs = list(repetitions_of(engines))
    plans = [[Plan(one, mask, bus, grid=(where, runs)) for one in row] for row in program.engines]
    fetch = Events(program.size, bus).fetch
    down = [Events(program.size, bus) for _ in columns]
    across = [Events(program.size, bus) for _ in rows]
    events = [[_engine(Events(program.size, bus), one, other) for other in down] for one in across]

    network, end = Network(), Times()
    tiles = [Tile(plan, program.passes) for plan in plans[0]]
    network.add(_descriptors(program, fetch, (events, down, across), tiles, end, bus))
    for column, shared in enumerate(down):
        plan, tile, client = plans[0][column], tiles[column], shared.activations
        if program.tiles:
            network.add(client.read(tile.handed, tile.jobs(), plan.width, bus.burst_beats))
            network.add(tile.fill(client))
            network.add(tile.load(shared))
        else:
            jobs = map(plan.activations, plan.steps)
            network.add(client.read(shared.loads, jobs, plan.width, bus.burst_beats))
            network.add(loader(plan, shared))
        network.add(_slowest([events[row][column].released for row in rows], shared.released, HALVES))
    for row, shared in enumerate(across):
        plan, mine = plans[row][0], events[row]
        for client, read in ((shared.index, plan.index), (shared.weights, plan.weights)):
            network.add(client.read(shared.convs, map(read, plan.steps), plan.width, bus.burst_beats))
        network.add(walker(plan, shared))
        network.add(feeder(plan, shared))
        for name in ("visited", "opened", "shifted"):
            lists = [getattr(one, name) for one in mine]
            network.add(_slowest(lists, getattr(shared, name), len(lists[0])))
    for row in rows:
        for column in columns:
            plan, own = plans[row][column], events[row][column]
            network.add(core(plan, own))
            network.add(sequencer(plan, own))
            network.add(drain(plan, own, leaving))
    clients: list[ReadClient] = [fetch, *(one.activations for one in down)]
    clients += [one.index for one in across] + [one.weights for one in across]
    channel = ReadChannel(clients, bus.latency)
    network.advance()
    while channel.grant():
        network.advance()
    bursts = [
        burst
        for row in rows
        for column in columns
        for burst in _bursts(plans[row][column], events[row][column], leaving, bus)
    ]
    return max(_written(bursts) + ANSWER, end[0] + IDLE)


def _engine(own: Events, row: Events, column: Events) -> Events:
    """Return an engine's events, with those that it shares."""
    own.activations, own.loaded = column.activations, column.loaded
    own.index, own.weights = row.index, row.weights
    own.tokens, own.fed, own.headers, own.beats = row.tokens, row.fed, row.headers, row.beats
    return own


def _slowest(sources: Sequence[Times], target: Times, begin: int) -> Process:
    """Note when each event was in the last of the engines."""
    number = begin
    while True:
        latest = 0
        for source in sources:
            latest = max(latest, (yield source, number))
        target.append(latest)
        number += 1


def _descriptors(
    program: GridProgram,
    fetch: ReadClient,
    events: tuple[list[list[Events]], list[Events], list[Events]],
    tiles: list[Tile],
    end: Times,
    bus: Bus,
) -> Process:
    """Fetch one descriptor after the other, and hand each out when all that it is for have room."""
    engines, down, across = events
    beats = DESCRIPTOR_BYTES * 8 // program.size.bus
    burst = min(beats, bus.burst_beats)
    now = FIRST - 1
    for told in (*in_memory(program), None):
        since = now + 1
        for _ in range(beats // burst):
            yield from fetch.ask(since, burst)
            since = fetch.taken[-1] + 1
        now = fetch.arrivals[-1]
        if not told:
            end.append(now + 1)
            return
        rows, columns = (
            [place for place in range(16) if told.slots[slot] >> place & 1] for slot in (TO_ROWS, TO_COLUMNS)
        )
        mine = [engines[row][column] for row in rows for column in columns]
        waits: list[tuple[Times, Times]] = []
        opcode = told.slots[0] & OPCODE
        if opcode == NOTHING:
            waits = [(tiles[column].handed, tiles[column].free) for column in columns]
        elif opcode == LOAD:
            waits = [(down[column].loads, down[column].loads_free) for column in columns]
        elif opcode == CONV:
            waits = [(one.convs, one.convs_free) for one in mine]
        elif opcode == WRITE:
            waits = [(one.writes, one.writes_free) for one in mine]
        for handed, free in waits:
            now = max(now, (yield free, len(handed)))
        now += 1
        for handed, _ in waits:
            handed.append(now)
        if opcode == CONV and told.first:
            for row in rows:
                across[row].convs.append(now)


def _bursts(plan: Plan, events: Events, leaving: int, bus: Bus) -> list[tuple[int, int]]:
    """Return of each burst of an engine's results when the last one was taken, and its beats."""
    found = []
    column = HALVES
    for repetition in plan.repetitions:
        for write in (group.write for group in repetition.groups):
            units = write.rows * write.width
            left = 0
            for address, count in plan.written(write):
                if not left:
                    # The drain tells that a half is free two cycles after it has read its last row.
                    now, left = events.freed[column] - 2 - units + leaving, units
                    column += 1
                per_unit = count // write.width
                beat, last = address // plan.width, (address + count - 1) // plan.width
                while beat <= last:
                    behind = min(last, beat | bus.burst_beats - 1)
                    ended = min(count, (behind + 1) * plan.width - address) // per_unit
                    found.append((now + ended, behind - beat + 1))
                    beat = behind + 1
                now, left = now + write.width, left - write.width
    return found


def _written(bursts: list[tuple[int, int]]) -> int:
    """Return when the last beat of bursts that are whole at these times is on W.

    One is answered in the cycle after its last beat, and makes room for another.
    """
    end = taken = 0
    answered = deque([0] * OUTSTANDING, OUTSTANDING)
    for ready, beats in sorted(bursts):
        taken = max(ready + BURST - 1, taken + 1, answered[0] + 1)
        end = max(end, taken) + beats
        answered.append(end + 1)
    return end
