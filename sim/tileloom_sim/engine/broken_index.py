"""An index that breaks the rules: rows that there are not, and rows out of order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tileloom_golden.engine.program import LARGEST_BLOCKS, Program
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import EMPTY, LAST, index_entries

ROW_BITS = 14
ROW = LARGEST_BLOCKS - 1
"""The bits of a row in an entry."""

Entries = npt.NDArray[np.uint16]


def broken(
    program: Program, weights: BlockSparse, rng: np.random.Generator
) -> tuple[Entries, list[BlockSparse]] | None:
    """Return the index of a strip that breaks the rules, and matrices whose products add up to the results.

    Where a row is not below the block rows that there are, results may be anything. None where the index of a
    strip is not that of the whole matrix, or has no block.
    """
    if program.splits["channels"] > 1 or program.groups[0].write.columns != weights.grid[1]:
        return None
    entries = index_entries(replace(program, groups=program.groups[:1]), weights)
    places = np.flatnonzero(entries & EMPTY == 0)
    if not len(places):
        return None
    kind, blocks = rng.integers(4), program.groups[0].parts[0][1].blocks
    if kind == 0 and blocks < LARGEST_BLOCKS:
        far = [blocks, blocks | 1 << int(rng.integers(ROW_BITS)), int(rng.integers(LARGEST_BLOCKS))]
        return _with(entries, int(rng.choice(places)), max(blocks, int(rng.choice(far)))), [weights]
    followers = places[weights.block_rows > 0][1:]
    followers = followers[entries[followers - 1] & LAST == 0] if len(followers) else followers
    if kind == 1 and len(followers):
        place = int(rng.choice(followers))
        before = int(entries[place - 1]) & ROW
        row = before if rng.integers(2) else int(rng.integers(before + 1))
        return _with(entries, place, row), _apart(weights, int(np.searchsorted(places, place)), row)
    return _noise(entries, places, rng, fault=kind != 2), [weights]


def _with(entries: Entries, place: int, row: int) -> Entries:
    changed = entries.copy()
    changed[place] = changed[place] & ~np.uint16(ROW) | np.uint16(row)
    return changed


def _apart(weights: BlockSparse, place: int, row: int) -> list[BlockSparse]:
    """Return the blocks without one, and that one alone in another row."""
    column = int(weights.block_columns[place])
    behind = np.arange(len(weights.column_pointers)) > column
    others = replace(
        weights,
        column_pointers=weights.column_pointers - behind,
        block_rows=np.delete(weights.block_rows, place),
        blocks=np.delete(weights.blocks, place, axis=0),
    )
    alone = replace(
        weights,
        column_pointers=behind.astype(np.int64),
        block_rows=np.array([row]),
        blocks=weights.blocks[place : place + 1],
    )
    return [others, alone]


def _noise(
    entries: Entries, places: npt.NDArray[np.int64], rng: np.random.Generator, *, fault: bool
) -> Entries:
    """Return any rows, each above the one before it in its column by a bit; with ``fault`` all but one."""
    rows: dict[int, int] = {}
    previous = 0
    for place in map(int, places):
        free = [bit for bit in range(ROW_BITS) if not previous >> bit & 1]
        if previous and free:
            row = previous | 1 << int(rng.choice(free))
            if rng.integers(2):  # without some of the bits below
                row = max(row >> (bit := int(rng.integers(row.bit_length()))) << bit, previous + 1)
        else:
            row = int(rng.integers(LARGEST_BLOCKS))
        rows[place] = row
        previous = 0 if entries[place] & LAST else row
    followers = [place for place in rows if place - 1 in rows and not entries[place - 1] & LAST]
    if fault and followers:
        place = int(rng.choice(followers))
        before = rows[place - 1]
        rows[place] = before & ~(1 << int(rng.integers(ROW_BITS)))
    changed = entries.copy()
    for place, row in rows.items():
        changed[place] = changed[place] & ~np.uint16(ROW) | np.uint16(row)
    return changed
