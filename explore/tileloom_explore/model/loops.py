"""The loops of a specification: mappings that it gives, and constraints of a search."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass

from tileloom.errors import UserError

from .mapping import Loops, Mapping
from .plain import Table, known_name, nothing_left, take_names, take_text
from .workload import Workload

_LOOP = re.compile(r"([A-Za-z_]\w*)(?::([1-9]\d{0,9}))?")


@dataclass(frozen=True)
class Constraint:
    """What a search may do at one level.

    Attributes
    ----------
    level:
        Its name.
    temporal, spatial:
        Dimensions whose loops may stand there; None: all.
    fixed:
        Bounds that are given, in time and in space.
    order:
        Dimensions whose loops stand innermost, in this order, the outermost first; the others may change.
    keep:
        The tensors that the level stores; None: all.
    """

    level: str
    temporal: tuple[str, ...] | None = None
    spatial: tuple[str, ...] | None = None
    fixed: tuple[MappingOf[str, int], MappingOf[str, int]] = ({}, {})
    order: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None


def read_mapping(entries: Sequence[Table], workload: Workload, names: Sequence[str]) -> Mapping:
    """Return the mapping of a layer: a loop without a bound takes what the others leave of its dimension."""
    parsed = []
    for index, given in enumerate(entries):
        entry, where = dict(given), f"mapping.{index}"
        level = known_name(take_text(entry, "level", where), names, f"{where}.level", "level")
        temporal, spatial = (_loops(entry, kind, where, workload) for kind in ("loops", "spatial"))
        parsed.append((level, temporal, spatial, take_names(entry, "keep", where)))
        nothing_left(entry, where)
    every = [loop for _, temporal, spatial, _ in parsed for loop in (*temporal, *spatial)]
    without = [name for name, bound in every if bound is None]
    rest = {}
    for name in without:
        if without.count(name) > 1:
            raise UserError(f"mapping: {name} has two loops without a bound; give one of them its bound")
        others = math.prod(bound for other, bound in every if other == name and bound)
        rest[name], over = divmod(workload.sizes[name], others)
        if over:
            raise UserError(f"mapping: {name}: {others} does not divide the {workload.sizes[name]} there are")

    def settled(loops: Sequence[tuple[str, int | None]]) -> tuple[tuple[str, int], ...]:
        return tuple((name, bound or rest[name]) for name, bound in loops)

    return Mapping(
        tuple(Loops(level, settled(time), settled(space), keep) for level, time, space, keep in parsed)
    )


def read_constraint(given: Table, index: int, workload: Workload, names: Sequence[str]) -> Constraint:
    """Return what a search may do at the level of an entry ``[[search]]``."""
    entry, where = dict(given), f"search.{index}"
    level = known_name(take_text(entry, "level", where), names, f"{where}.level", "level")
    groups: list[tuple[str, ...] | None] = []
    fixed: list[dict[str, int]] = []
    for kind in ("loops", "spatial"):
        loops = _loops(entry, kind, where, workload) if kind in entry else None
        groups.append(None if loops is None else tuple(name for name, _ in loops))
        fixed.append({name: bound for name, bound in loops or () if bound is not None})
    order, keep = take_names(entry, "order", where) or (), take_names(entry, "keep", where)
    for name in order:
        known_name(name, workload.dimensions, f"{where}.order", "dimension")
    for tensor in keep or ():
        workload.tensor(tensor, f"{where}.keep")
    nothing_left(entry, where)
    return Constraint(level, groups[0], groups[1], (fixed[0], fixed[1]), order, keep)


def _loops(entry: Table, key: str, where: str, workload: Workload) -> list[tuple[str, int | None]]:
    result = []
    for part in take_text(entry, key, where, default="").split():
        found = _LOOP.fullmatch(part)
        if not found:
            raise UserError(f"{where}.{key}: {part!r} is no loop such as k:8, or k for what is left")
        name = known_name(found[1], workload.dimensions, f"{where}.{key}", "dimension")
        result.append((name, int(found[2]) if found[2] else None))
    return result
