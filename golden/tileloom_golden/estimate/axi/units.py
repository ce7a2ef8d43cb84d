"""The AXI4 variant's units in time, each a process: all but the sequencer.

Times are the cycles in which a transfer passes, so that + 1 is a register, or what a lock or a queue of one
cycle tells.
"""

from itertools import count

from ...engine.program import DESCRIPTOR_BYTES
from ...engine.sparse import INDEX_BYTES
from .bus import Bus
from .events import HALVES, Events
from .plan import Plan
from .processes import Process

FIRST = 2
"""In which the first descriptor is asked for: the one after `start` was taken."""


TAKES_RESULTS = 4
"""Cycles from a WRITE handed out to the first result that its client takes: the queue of jobs, the register
that says that runs are there, the queue of runs, and the register that says that one is being written.
"""


def descriptors(plan: Plan, events: Events, bus: Bus) -> Process:
    """Fetch one descriptor after the other, and hand each out when there is room for its command.

    The jobs' queues have room no later: the last run of a job is on its way before its data is used.
    """
    fetch = events.fetch
    beats = DESCRIPTOR_BYTES // plan.width
    burst = min(beats, bus.burst_beats)
    order = []
    for repetition in plan.repetitions:
        for _ in repetition.groups[0].parts:
            order += [(events.loads, events.loads_free), (events.convs, events.convs_free)]
        order.append((events.writes, events.writes_free))
    now = FIRST - 1
    for handed, free in [*order, (events.end, [0])]:
        since = now + 1
        for _ in range(beats // burst):
            yield from fetch.ask(since, burst)
            since = fetch.taken[-1] + 1
        now = max(fetch.arrivals[-1], (yield free, len(handed))) + 1
        handed.append(now)


def loader(plan: Plan, events: Events) -> Process:
    """Write strips into the A buffer, a unit or a place of padding in each cycle."""
    client = events.activations
    now = beat = strip = 0
    for number, step in enumerate(plan.steps):
        now = max(now, (yield events.loads, number))
        for load, _ in step.each():
            # The half is taken in a cycle of its own.
            now = max(now, (yield events.released, strip)) + 1
            strip += 1
            top, bottom, left, right = load.pads
            line = load.padded[1]
            for row, (address, _) in enumerate(plan.runs(load)):
                now += top * line * (row % load.rows == 0) + left
                units = load.width
                place = address % plan.width // plan.unit
                while units:
                    taken = min(units, plan.width // plan.unit - place)
                    now = max(now + 1, (yield client.arrivals, beat) + client.delay) + taken - 1
                    client.free.append(now)
                    beat, units, place = beat + 1, units - taken, 0
                client.ended.append(now)
                now += bottom * line * ((row + 1) % load.rows == 0) + right
            events.loaded.append(now)
        events.loads_free.append(now)


def walker(plan: Plan, events: Events) -> Process:
    """Take an entry of the index in a cycle, and put its token into both queues in one after that."""
    client = events.index
    entry = queued = beat = token = 0
    for number, step in enumerate(plan.steps):
        command = yield events.convs, number
        for load, conv in step.each():
            left = sum(max(1, len(column)) for column in plan.columns(load, conv))
            per_beat = plan.width // INDEX_BYTES
            while left:
                for last in range(min(left, per_beat) - 1, -1, -1):
                    arrived = (yield client.arrivals, beat) + client.delay
                    # The token before is in a register until it is queued.
                    entry = max(entry + 1, queued, command + 1, arrived)
                    if not last:
                        client.free.append(entry)
                        beat += 1
                    left -= 1
                    if not left:
                        client.ended.append(entry)
                    fed = yield events.fed, token
                    queued = max(entry, fed, (yield events.visited, token)) + 1
                    events.tokens.append(queued)
                    token += 1


def feeder(plan: Plan, events: Events) -> Process:
    """Pass a beat of a header or a block in each cycle, the token's there and room for it."""
    client = events.weights
    size = plan.size
    # A FIFO of one place takes a beat as it gives one, of more places one later.
    room = size.weight_beats > 1
    now = token = beat = 0
    for step in plan.steps:
        for load, conv in step.each():
            beats = conv.kernel[0] * conv.kernel[1] * size.block_beats
            for column in plan.columns(load, conv):
                now = max(now, (yield events.tokens, token), (yield events.opened, len(events.headers)))
                for _ in range(size.header_beats):
                    now = max(now + 1, (yield client.arrivals, beat) + client.delay)
                    client.free.append(now)
                    beat += 1
                events.headers.append(now)
                for _ in range(max(1, len(column))):
                    now = max(now, (yield events.tokens, token))
                    token += 1
                    left = beats if column else 0
                    while left:
                        yield client.arrivals, beat
                        yield events.shifted, len(events.beats)
                        # Of both there is one in a cycle at most, so that no maximum is carried on.
                        places = events.shifted[len(events.beats) :][:left]
                        passed = [
                            max(following, arrived + client.delay, free + room)
                            for following, arrived, free in zip(
                                count(now + 1), client.arrivals[beat : beat + left], places, strict=False
                            )
                        ]
                        client.free += passed
                        events.beats += passed
                        now, beat, left = passed[-1], beat + len(passed), left - len(passed)
                    events.fed.append(now)
            client.ended.append(now)


def core(plan: Plan, events: Events) -> Process:
    """Take each block out of the FIFO, a beat or a row in a cycle, and into use when its first tile comes."""
    size = plan.size
    delay = 2 if size.weight_beats > 2 else 1
    # The last beat of a block of a dot product stays in the FIFO until the block is taken.
    rows = size.k if size.by_rows else size.block_beats - 1
    per_beat = size.bus // (size.n * size.weight_bits) if size.by_rows else 1
    beat = 0
    while True:
        # Right behind each other blocks are `interval` apart: what is not their rows comes before these.
        now, left = events.taken[-1] + size.interval - 1 - rows, rows
        while left:
            # No beat waits for the place of one that comes with it.
            together = min(-(-left // per_beat), size.weight_beats)
            yield events.beats, beat + together - 1
            for arrived in events.beats[beat : beat + together]:
                moved = min(left, per_beat)
                now = max(now + 1, arrived + delay) + moved - 1
                events.shifted.append(now)
                left -= moved
            beat += together
        block = len(events.taken) - 1
        taken = max(now + 1, (yield events.arrived, block))
        if not size.by_rows:
            taken = max(taken, (yield events.beats, beat) + delay)
            events.shifted.append(taken)
            beat += 1
        events.taken.append(taken)
        if events.rest[block] >= 0:
            events.finished.append(taken + events.rest[block] + size.latency)


def drain(plan: Plan, events: Events, leaving: int) -> Process:
    """Read the rows of complete halves of the accumulators, and end a group with its last.

    A row is a result `leaving` cycles after it was read; those that no client takes yet hold the others up.
    """
    size = plan.size
    now = column = 0
    for number, repetition in enumerate(plan.repetitions):
        handed = yield events.writes, number
        now = max(now, handed, handed + TAKES_RESULTS - leaving - 1)
        for group in repetition.each():
            rows = group.write.rows * -(-group.write.width // size.drain_rows)
            for _ in range(group.write.columns):
                now = max(now, (yield events.finished, column)) + rows
                # The row's register knows that it is the last, and the lock tells in the next cycle.
                events.freed.append(now + 2)
                column += 1
            if len(repetition.groups) > 1 and repetition.settles:
                yield events.released, len(events.written) + HALVES
                for client in events.clients[1:]:
                    yield client.jobs, len(events.written)
                repetition.note(now, _times(events, len(events.written)))
            events.written.append(now)
        events.writes_free.append(now)


def _times(events: Events, group: int) -> list[int]:
    """Return when a group's bursts were taken, and when those who wait for them were done with it."""
    times = [events.loaded[group], events.released[group + HALVES]]
    times += [client.ended[group + 1] for client in (events.index, events.weights)]
    for client in events.clients[1:]:
        first = client.jobs[group - 1] if group else 0
        times += client.taken[first : client.jobs[group]]
    return times
