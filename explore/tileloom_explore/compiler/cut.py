"""How a node is cut into parts that the memory tiles hold at a time, one after another.

Cuts are by width, output channels and height, and by input channels only if nothing else fits; so every shape
has one. Of those with few parts the one that takes least is taken, loads from DDR and writes to it counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .memory import rounded
from .passes import Part, Tiling, shares, sums_bytes, weights_bytes
from .tiling import best_tiling, doubling
from .work import Work, slices, spans

CONSIDERED = 5
"""Cuts that fit, of those with the fewest parts, whose times are compared."""


@dataclass(frozen=True)
class Cut:
    """Into how many parts a node is cut along each axis; ``inner``: channels of output before pixels."""

    across: int
    outputs: int
    down: int
    inputs: int
    inner: bool

    @property
    def count(self) -> int:
        """Of parts."""
        return self.across * self.outputs * self.down * self.inputs


@dataclass(frozen=True)
class Plan:
    """A node's parts with their tilings, and the seconds that all of it takes.

    ``reads`` and ``writes`` are whether activations come from DDR, and whether results go there, part by
    part.
    """

    parts: tuple[tuple[Part, Tiling], ...]
    seconds: float
    reads: bool
    writes: bool


def parts(work: Work, cut: Cut) -> Iterator[Part]:
    """Yield the parts of a cut in order."""
    height, width = work.node.layer.output
    boxes = [
        (across, down)
        for down in spans(height, cut.down)
        for across in shares(slices(width, work.grid.columns), cut.across)
    ]
    channels = spans(work.outputs, cut.outputs)
    order = [(box, own) for box in boxes for own in channels]
    if not cut.inner:
        order = [(box, own) for own in channels for box in boxes]
    own_inputs = spans(work.inputs, cut.inputs)
    for (across, down), outputs in order:
        for index, inputs in enumerate(own_inputs):
            yield Part(across, down, outputs, inputs, index > 0, index + 1 == len(own_inputs))


def input_bytes(work: Work, part: Part) -> int:
    """Return the bytes of a column's buffers for what a part reads."""
    blocks = part.inputs[1] if work.weighted else part.outputs[1]
    _, rows, _, _ = work.down(part.down)
    one = work.read_bytes(rows, work.widest(part.across)[0], blocks) // work.operands
    return work.operands * rounded(one)


def output_bytes(work: Work, part: Part) -> int:
    """Return the bytes of a column's buffer for a part's results."""
    width = work.widest(part.across)[1]
    return rounded(work.result_bytes(part.down[1], width, part.outputs[1], sums=False))


def same_input(work: Work, one: Part, other: Part | None) -> bool:
    """Return whether two parts read the same."""
    if other is None or (one.across, one.down) != (other.across, other.down):
        return False
    return one.inputs == other.inputs if work.weighted else one.outputs == other.outputs


def same_weights(one: Part, other: Part | None) -> bool:
    """Return whether two parts have the same weights."""
    return other is not None and (one.outputs, one.inputs) == (other.outputs, other.inputs)


def same_tiles(one: tuple[Part, Tiling], other: tuple[Part, Tiling] | None) -> bool:
    """Return whether two parts have the same weights, cut for the cores in the same way."""
    if other is None or not same_weights(one[0], other[0]):
        return False
    return (one[1].outputs, one[1].inputs) == (other[1].outputs, other[1].inputs)


def best_plan(work: Work, room: int, weight_room: int, *, reads: bool, writes: bool) -> Plan | None:
    """Return the plan of least time that fits, or None where none does.

    Parameters
    ----------
    work:
        The node.
    room:
        Bytes that a column's memory tiles have left: for activations and partial sums, and for weights too
        where the tiles are shared.
    weight_room:
        The same for weights where they are not.
    reads, writes:
        As in `Plan`; activations that are in the memory tiles already, and results that stay there, are not
        counted in the room.
    """
    for inputs in doubling(work.inputs) if work.weighted else [1]:
        found: list[Plan] = []
        for cut in _cuts(work, inputs, reads=reads, writes=writes):
            plan = _plan(work, cut, room, weight_room, reads=reads, writes=writes)
            if plan:
                found.append(plan)
                if len(found) == CONSIDERED or cut.count == 1:
                    break
        if found:
            return min(found, key=lambda plan: plan.seconds)
    return None


def _cuts(work: Work, inputs: int, *, reads: bool, writes: bool) -> list[Cut]:
    """Return the cuts to consider, those with the fewest parts first."""
    height, width = work.node.layer.output
    widest = max(count for _, count in slices(width, work.grid.columns))
    spatial = reads or writes
    cuts = [
        Cut(across, outputs, down, inputs, inner)
        for across in (doubling(widest) if spatial else [1])
        for outputs in doubling(work.outputs)
        for down in (doubling(height) if spatial else [1])
        for inner in ((True, False) if outputs > 1 and across * down > 1 and work.weighted else (True,))
    ]
    return sorted(cuts, key=lambda cut: cut.count)


def _plan(work: Work, cut: Cut, room: int, weight_room: int, *, reads: bool, writes: bool) -> Plan | None:
    """Return the plan of a cut, or None where a part does not fit.

    Buffers are there for the largest part that needs one, so that the largest of each have to fit together.
    """
    all_parts = list(parts(work, cut))
    left = room
    left -= reads * max(input_bytes(work, part) for part in all_parts)
    left -= writes * max(output_bytes(work, part) for part in all_parts)
    share = left
    while share >= 0:
        tiled = []
        for part in all_parts:
            best = best_tiling(work, part, share, weight_room)
            if best is None:
                return None
            tiled.append((part, *best))
        sums = max(rounded(sums_bytes(work, part, tiling)) for part, tiling, _ in tiled)
        weights = max(rounded(weights_bytes(work, part, tiling)) for part, tiling, _ in tiled)
        excess = sums + work.grid.shared * weights - left
        if excess <= 0:
            chosen = tuple((part, tiling) for part, tiling, _ in tiled)
            return Plan(chosen, _seconds(work, tiled, reads, writes), reads, writes)
        # One part has large sums, another large weights: each has to do with less.
        share -= excess
    return None


def _seconds(work: Work, tiled: list[tuple[Part, Tiling, float]], reads: bool, writes: bool) -> float:
    """Return how long parts take one after another."""
    grid, total = work.grid, 0.0
    before: tuple[Part, Tiling] | None = None
    for part, tiling, cores in tiled:
        load = weights = write = 0.0
        if reads and not same_input(work, part, before and before[0]):
            load = read_seconds(work, part)
        if work.weighted and not same_tiles((part, tiling), before):
            weights = weights_bytes(work, part, tiling) / grid.weight_rate
        if writes and part.finish:
            size = work.result_bytes(part.down[1], work.widest(part.across)[1], part.outputs[1], sums=False)
            write = size / grid.write_rate
        total += max(load, weights) + cores + write
        before = part, tiling
    return total


def read_seconds(work: Work, part: Part) -> float:
    """Return how long a part's activations take from DDR, all of its tensors one after another."""
    blocks = part.inputs[1] if work.weighted else part.outputs[1]
    _, rows, _, _ = work.down(part.down)
    return work.read_bytes(rows, work.widest(part.across)[0], blocks) / work.grid.load_rate
