"""The search for how cores compute a part: of all tilings that fit their buffers the one that takes least.

They are split by width, output channels and height; input channels are split where nothing else fits, or
where it is faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from .memory import rounded
from .passes import Part, Tiling, shares, sums_bytes, weights_bytes
from .work import Work, ceil, spans

Seconds = Any
"""A number, or an array of them."""


def chain_seconds(load: Seconds, compute: Seconds, store: Seconds, iterations: int) -> Seconds:
    """Return how long chains take: one iteration is sequential, of several the slowest step counts."""
    if iterations == 1:
        return load + compute + store
    return iterations * np.maximum(load, np.maximum(compute, store))


def seconds(work: Work, part: Part, tiling: Tiling) -> float:
    """Return how long the cores take for a part, weights from its memory tiles included."""
    grid = work.grid
    parts = tiling.inputs if work.weighted else 1
    chunks, blocks, columns = work.subvolumes(part.outputs, part.inputs, tiling.outputs, parts)
    widths = Counter(work.widest(each) for each in shares(part.across, tiling.across))
    read = np.array([own for _, own in spans(part.inputs[1], parts)])[:, None]
    if not work.weighted:
        read, blocks = columns[None], np.minimum(columns, tiling.outputs)[None]
    last = np.arange(len(read)) == len(read) - 1
    finish = (last & part.finish)[:, None]
    accumulate = ((np.arange(len(read)) > 0) | part.accumulate)[:, None]
    weights = chunks * work.weighted / grid.weight_channel
    total = 0.0 if grid.streams else float(weights.sum())
    for (wide, across), count in widths.items():
        for chain in work.chains(part.down, tiling.rows):
            load = work.read_bytes(chain.seen, wide, read) / grid.activation_channel + 0 * blocks
            sums = work.result_bytes(chain.rows, across, columns, sums=True)[None]
            results = work.result_bytes(chain.rows, across, columns, sums=False)[None]
            store = np.where(finish, results, sums * (not tiling.stays)) / grid.result_channel
            if not tiling.stays:
                load = load + np.where(accumulate, sums, 0) / grid.activation_channel
            compute = work.cycles(blocks, chain.rows, across) / (grid.clock * 1e6)
            if grid.streams:
                compute = np.maximum(compute, weights)
            total += count * float(chain_seconds(load, compute, store, chain.iterations).sum())
    return total


def best_tiling(work: Work, part: Part, room: int, weight_room: int) -> tuple[Tiling, float] | None:
    """Return the tiling of least time that fits, and its seconds; None if none does.

    ``room`` is what a column's memory has for partial sums, and for weights too where its tiles are shared;
    ``weight_room`` what it has for weights where they are not.
    """
    key = _alike(work, part)
    if key not in work.tilings:
        found = []
        for each in _tilings(work, part):
            needs = rounded(sums_bytes(work, part, each)), rounded(weights_bytes(work, part, each))
            found.append((each, seconds(work, part, each), *needs))
        work.tilings[key] = sorted(found, key=lambda each: each[1])
    for tiling, time, sums, weights in work.tilings[key]:
        if weights <= weight_room and sums + work.grid.shared * weights <= room:
            return tiling, time
    return None


def _alike(work: Work, part: Part) -> tuple[object, ...]:
    """Return what two parts have in common that take as long in every tiling."""
    _, rows, *pads = work.down(part.down)
    channels = part.outputs, part.inputs
    if work.kept is None:
        channels = (0, part.outputs[1]), (0, part.inputs[1])
    across = tuple((span[1], *work.across(span)[1:]) for span in part.across)
    return (across, part.down[1], rows, *pads, *channels, part.accumulate, part.finish)


def doubling(most: int) -> list[int]:
    """Return 1, 2, 4 and so on, and ``most``."""
    values = [1]
    while values[-1] * 2 < most:
        values.append(values[-1] * 2)
    return values if most == 1 else [*values, most]


def _tilings(work: Work, part: Part) -> Iterator[Tiling]:
    """Yield tilings that fit: of cuts by width and input channels the two coarsest that do.

    Where weights stream, input channels are cut only if nothing else fits: engines take no partial sums.
    """
    streams = work.grid.streams and work.weighted
    most = ceil(part.outputs[1], work.grid.rows)
    for outputs in [most] if streams else reversed(doubling(most)):
        fitting = 0
        for inputs in doubling(part.inputs[1]) if work.weighted else [1]:
            if fitting == (1 if streams else 2):
                break
            if work.weighted and not work.grid.streams:
                chunks, _, _ = work.subvolumes(part.outputs, part.inputs, outputs, inputs)
                if chunks.max() > work.grid.weight_bytes:
                    continue
            wide = 0
            for across in doubling(max(count for _, count in part.across)):
                if wide == 2:
                    break
                for stays in (False, True):
                    heights = list(_heights(work, part, outputs, inputs, across, stays=stays))
                    yield from (Tiling(outputs, inputs, across, rows, stays) for rows in heights)
                    wide += bool(heights)
            fitting += bool(wide)


def _heights(work: Work, part: Part, outputs: int, inputs: int, across: int, *, stays: bool) -> Iterator[int]:
    """Yield the rows of strips that fit: the most, and fewer, so that more iterations overlap."""
    wide, pixels = map(max, zip(*map(work.widest, shares(part.across, across)), strict=True))
    own = min(outputs, part.outputs[1])
    split = inputs > 1 or part.accumulate or not part.finish
    if work.grid.streams and work.weighted:
        if stays and own > 1:
            return  # the accumulators hold one block column
        own, split = 1, True
    if stays and (inputs == 1 or part.accumulate or not part.finish or across > 1):
        return
    blocks = ceil(part.inputs[1], inputs)
    if not work.weighted:
        blocks = min(part.outputs[1], outputs * work.grid.rows)
    seen: set[int] = set()
    for pieces in (1, 2, 3, 4, 8):
        rows = ceil(part.down[1], pieces)
        while rows and not (
            work.strip_bytes(rows, wide, pixels, blocks) <= work.grid.input_bytes
            and work.sums_bytes(rows, pixels, own, sums=split) <= work.grid.output_bytes
        ):
            rows -= 1
        if rows and rows not in seen and (not stays or rows >= part.down[1]):
            seen.add(rows)
            yield rows
