"""When each step of a program begins and ends, by the rules of the paper's Section "Time Estimation".

LOAD and LOADW run at the same time, each step waits for all before it. A chain of one iteration loads,
computes and stores one after another; of several, all three run at the same time, and the slowest times the
iterations counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .abstraction import Abstraction
from .graph import Kind
from .program import Begin, Buffer, Conv, Load, LoadFM, LoadW, LoadWM, Step, Weights, Write, WriteFM
from .work import SUM_BYTES, strip_cycles

LANES = ("LOAD", "LOADW", "LOADFM", "LOADWM", "COMP", "WRITEFM", "WRITE")


@dataclass(frozen=True)
class Event:
    """A step in time, in seconds; of a chain its iterations together."""

    lane: str
    node: str
    begin: float
    end: float
    iterations: int = 1


@dataclass
class NodeTime:
    """A node's seconds, from its first step to its last, and those of each lane."""

    node: str
    seconds: float = 0.0
    lanes: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LANES, 0.0))


@dataclass(frozen=True)
class Timeline:
    """A program in time."""

    events: tuple[Event, ...]

    @property
    def seconds(self) -> float:
        """Until the last step has ended."""
        return max((event.end for event in self.events), default=0.0)

    @property
    def nodes(self) -> list[NodeTime]:
        """Time of each node, in order."""
        found: dict[str, NodeTime] = {}
        before = 0.0
        for event in self.events:
            own = found.setdefault(event.node, NodeTime(event.node))
            own.lanes[event.lane] += event.end - event.begin
            own.seconds += max(0.0, event.end - before)
            before = max(before, event.end)
        return list(found.values())


def timeline(steps: Sequence[Step], grid: Abstraction) -> Timeline:
    """Return when the steps of a program run on a grid."""
    return Timeline(tuple(_events(steps, grid)))


def _events(steps: Sequence[Step], grid: Abstraction) -> Iterator[Event]:
    buffers: dict[int, Buffer] = {}
    weights: dict[int, Weights] = {}
    loads: list[LoadFM] = []
    stream = 0.0
    node, now = "", 0.0
    ends = {"LOAD": 0.0, "LOADW": 0.0}  # of what is loaded from DDR since the last other step
    for index, step in enumerate(steps):
        if isinstance(step, Begin):
            node = step.node
        elif isinstance(step, Buffer):
            buffers[step.number] = step
        elif isinstance(step, Weights):
            weights[step.number] = step
        elif isinstance(step, Load | LoadW):
            if isinstance(step, Load):
                lane, own = "LOAD", buffers[step.buffer]
                took = own.rows * max(own.width) * own.channels / grid.load_rate
            else:
                lane = "LOADW"
                took = weights[step.weights].bytes * grid.rows_per_tile / grid.weight_rate
            begin = max(now, ends[lane])
            ends[lane] = begin + took
            yield Event(lane, node, begin, ends[lane])
        else:
            now = max(now, *ends.values())
            if isinstance(step, LoadWM) and grid.streams:
                stream = step.bytes / grid.weight_channel
            elif isinstance(step, LoadWM):
                yield Event("LOADWM", node, now, now := now + step.bytes / grid.weight_channel)
            elif isinstance(step, Write):
                size = buffers[step.buffer].rows * max(step.width) * step.channels
                yield Event("WRITE", node, now, now := now + size / grid.write_rate)
            elif isinstance(step, LoadFM):
                loads.append(step)
            elif isinstance(step, Conv):
                following = steps[index + 1] if index + 1 < len(steps) else None
                stored = 0
                if isinstance(following, WriteFM):
                    item = buffers[following.buffer].item
                    stored = following.rows * max(following.width) * following.limit * item
                events = list(_chain(node, now, loads, stream, step, stored, grid))
                yield from events
                now, loads, stream = max(event.end for event in events), [], 0.0


def _chain(
    node: str,
    now: float,
    loads: Sequence[LoadFM],
    stream: float,
    conv: Conv,
    stored: int,
    grid: Abstraction,
) -> Iterator[Event]:
    """Yield the events of a chain that stores so many bytes each time, as `tiling.chain_seconds` has it."""
    sizes = [load.rows * max(load.width) * load.limit * (SUM_BYTES if load.sums else 1) for load in loads]
    load = sum(sizes) / grid.activation_channel
    strip = conv.rows, max(conv.width)
    cycles = strip_cycles(grid, Kind(conv.kind), conv.kernel, conv.stride, conv.blocks, strip)
    compute = cycles / (grid.clock * 1e6)
    store = stored / grid.result_channel
    count = conv.iterations
    if count == 1:
        yield Event("LOADFM", node, now, now + load)
        yield Event("COMP", node, now + load, now + load + compute)
        if stream:
            yield Event("LOADWM", node, now + load, now + load + stream)
        if stored:
            begin = now + load + max(compute, stream)
            yield Event("WRITEFM", node, begin, begin + store)
        return
    for lane, each in (("LOADFM", load), ("LOADWM", stream), ("COMP", compute), ("WRITEFM", store)):
        if each:
            yield Event(lane, node, now, now + count * each, count)
