"""Specifications in TOML: workload, architecture, features and formats, mapping or constraints of a search.

``docs/model.md`` has every field. What is wrong is one line with the path of the field.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tileloom.config import did_you_mean, shorten
from tileloom.errors import UserError
from tileloom.families import read_toml

from .architecture import Architecture, Compute, Feature, Level, Metadata, Options
from .density import ActualData, Density, FixedStructured, Uniform, banded
from .formats import Format, Kind, Rank
from .mapping import Loops, Mapping
from .workload import Tensor, Workload, parse_einsum

Table = dict[str, Any]
Record = TypeVar("Record")

_LOOP = re.compile(r"([A-Za-z_]\w*)(?::(\d+))?")
_RANK = re.compile(r"([A-Z]+)(?::(\d+))?(?:\(([\w, ]+)\))?")

LAWS = ("uniform", "fixed-structured", "banded", "actual")
ACTIONS = ("gate", "skip", "pack")


@dataclass(frozen=True)
class Constraint:
    """What a search may do at one level.

    Attributes
    ----------
    level:
        Its name.
    temporal, spatial:
        Dimensions whose loops may stand there; None: all, and in space none where the fan-out is 1.
    fixed:
        Bounds that are given, in time and in space.
    order:
        Dimensions from the outermost, where the order of the loops in time is given; the others stand outside.
    keep:
        The tensors that the level stores; None: all.
    """

    level: str
    temporal: tuple[str, ...] | None = None
    spatial: tuple[str, ...] | None = None
    fixed: tuple[MappingOf[str, int], MappingOf[str, int]] = ({}, {})
    order: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Layer:
    """One workload on the design; ``mapping`` is None where a search is to find it."""

    workload: Workload
    architecture: Architecture
    mapping: Mapping | None


@dataclass(frozen=True)
class Specification:
    """A file: one design, and one or more layers on it.

    Attributes
    ----------
    name:
        Of the file, for messages.
    layers:
        What is to be estimated, in order.
    constraints:
        Of a search for mappings, one for each level; empty where they are given.
    notes:
        Of the design, for tables: what the file says in ``[notes]``.
    """

    name: str
    layers: tuple[Layer, ...]
    constraints: tuple[Constraint, ...]
    notes: MappingOf[str, str]

    @property
    def architecture(self) -> Architecture:
        """The design, as its first layer has it."""
        return self.layers[0].architecture


def read_specification(path: str | Path) -> Specification:
    """Return what a TOML file specifies. Raises UserError that names the file and the field."""
    return parse_specification(read_toml(str(path)), str(path), Path(path).parent)


def parse_specification(values: Table, name: str, folder: Path) -> Specification:
    """Return what plain values specify; files that they name are looked for in ``folder``."""
    try:
        return _specification(dict(values), name, folder)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _specification(values: Table, name: str, folder: Path) -> Specification:
    workload, layers = _table(values, "workload"), _list(values, "layer", optional=True)
    design = _table(values, "architecture")
    features, formats = _list(values, "feature", optional=True), _table(values, "format", optional=True)
    mapping, search = _list(values, "mapping", optional=True), _list(values, "search", optional=True)
    notes = _table(values, "notes", optional=True)
    _nothing_left(values, "")
    if bool(mapping) == bool(search):
        raise UserError("mapping: give [[mapping]] for each level, or [[search]] for each, and not both")
    base = _text(workload, "name", "workload", default="workload")
    einsum = _text(workload, "einsum", "workload")
    sizes, laws = _table(workload, "sizes", "workload"), _table(workload, "density", "workload", optional=True)
    _nothing_left(workload, "workload.")
    found: list[Layer] = []
    architecture: Architecture | None = None
    names: list[str] = []
    for index, entry in enumerate(layers or [{"name": base}]):
        where = f"layer.{index}" if layers else "workload"
        own = {key: _table(entry, key, where, optional=True) for key in ("sizes", "density", "loops", "spatial")}
        tensors, terms = parse_einsum(_text(entry, "einsum", where, default=einsum), f"{where}.einsum")
        each = _workload(
            _text(entry, "name", where), tensors, terms, sizes | own["sizes"], laws | own["density"], where, folder
        )
        if architecture is None:
            architecture = _architecture(design, features, formats, each)
            names = [level.name for level in architecture.levels]
        plain = [each.tensor(tensor, f"{where}.dense").name for tensor in _names(entry, "dense", where) or ()]
        _nothing_left(entry, f"{where}.")
        kept = {key: form for key, form in architecture.formats.items() if key[1] not in plain}
        chosen = None
        if mapping:
            chosen = _mapping([_overridden(one, own, where, names) for one in mapping], each, names)
        found.append(Layer(each, dataclasses.replace(architecture, formats=kept), chosen))
    constraints = tuple(
        _constraint(entry, index, found[0].workload, names) for index, entry in enumerate(search)
    )
    if search and [each.level for each in constraints] != names:
        raise UserError(f"search: give one for each level in turn: {', '.join(names)}")
    return Specification(name, tuple(found), constraints, notes)


def _overridden(entry: Table, layer: MappingOf[str, Table], where: str, names: Sequence[str]) -> Table:
    """Return a level of the mapping with a layer's own loops in place of the common ones."""
    result = dict(entry)
    for key in ("loops", "spatial"):
        for level, loops in layer[key].items():
            _level(level, names, f"{where}.{key}")
            if level == entry.get("level"):
                result[key] = loops
    return result


def _workload(
    name: str,
    tensors: tuple[Tensor, ...],
    terms: tuple[tuple[str, ...], ...],
    sizes: Table,
    laws: Table,
    where: str,
    folder: Path,
) -> Workload:
    used = dict.fromkeys(dimension for tensor in tensors for rank in tensor.ranks for dimension, _ in rank)
    for dimension in used:
        if dimension not in sizes:
            raise UserError(f"{where}.sizes.{dimension}: missing; the Einsum uses it")
    for dimension, size in sizes.items():
        if dimension not in used:
            near = did_you_mean(dimension, used, "dimensions")
            raise UserError(f"{where}.sizes.{dimension}: no dimension of the Einsum{near}")
        if type(size) is not int or not 1 <= size <= 2**31:
            raise UserError(f"{where}.sizes.{dimension}: must be a whole number from 1 to 2**31, not {size}")
    bare = Workload(name, {dimension: sizes[dimension] for dimension in used}, tensors, terms, {})
    density = {}
    for tensor, law in laws.items():
        found = bare.tensor(tensor, f"{where}.density")
        density[tensor] = _law(law, found.shape(sizes), f"{where}.density.{tensor}", folder)
    return dataclasses.replace(bare, density=density)


def _law(value: object, shape: tuple[int, ...], where: str, folder: Path) -> Density:
    table = dict(value) if isinstance(value, dict) else {"law": "uniform", "density": value}
    law = _choice(table, "law", where, LAWS)
    if law in ("uniform", "fixed-structured"):
        density = table.pop("density", None)
        if type(density) not in (int, float) or not 0 <= density <= 1:  # type: ignore[operator]
            raise UserError(f"{where}: the density must be from 0 to 1, not {shorten(str(density))}")
        _nothing_left(table, f"{where}.")
        if law == "fixed-structured":
            return FixedStructured(float(density))  # type: ignore[arg-type]
        return Uniform(float(density), int(np.prod(shape, dtype=object)))  # type: ignore[arg-type]
    if law == "banded":
        width = table.pop("width", None)
        _nothing_left(table, f"{where}.")
        if type(width) is not int or width < 0 or len(shape) != 2:
            raise UserError(f"{where}: a band is a width from 0 of a tensor with two ranks")
        return banded(shape, width)
    file = folder / _text(table, "file", where)
    _nothing_left(table, f"{where}.")
    try:
        data = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{where}.file: {file}: {getattr(error, 'strerror', None) or 'no .npy file'}") from None
    if not isinstance(data, np.ndarray) or data.shape != shape:
        raise UserError(f"{where}.file: {file}: has the shape {np.shape(data)}, the tensor {shape}")
    return ActualData(data != 0)


def _architecture(
    table: Table, features: Sequence[Table], formats: Table, workload: Workload
) -> Architecture:
    name = _text(table, "name", "architecture", default="architecture")
    levels = []
    for index, entry in enumerate(_list(table, "level", "architecture")):
        where = f"architecture.level.{index}"
        metadata = _record(Metadata, _table(entry, "metadata", where, optional=True), f"{where}.metadata")
        levels.append(_record(Level, entry, where, metadata=metadata))
    compute = _table(table, "compute", "architecture", optional=True)
    unit = _record(Compute, compute, "architecture.compute")
    if unit.zeros not in ("compute", "gate", "skip"):
        raise UserError(f"architecture.compute.zeros: must be compute, gate or skip, not {unit.zeros!r}")
    chosen = _record(Options, _table(table, "options", "architecture", optional=True), "architecture.options")
    if not 0 < chosen.confidence <= 1:
        raise UserError(f"architecture.options.confidence: must be above 0, to 1, not {chosen.confidence}")
    _nothing_left(table, "architecture.")
    names = [level.name for level in levels]
    for known in names:
        if names.count(known) > 1:
            raise UserError(f"architecture.level: two levels are called {known}")
    found = tuple(_feature(entry, f"feature.{index}", workload, names) for index, entry in enumerate(features))
    kept: dict[tuple[str, str], Format] = {}
    for level, tensors in formats.items():
        _level(level, names, f"format.{level}")
        for tensor, ranks in tensors.items() if isinstance(tensors, dict) else ():
            workload.tensor(tensor, f"format.{level}")
            kept[level, tensor] = _format(ranks, f"format.{level}.{tensor}", workload)
    return Architecture(name, tuple(levels), unit, found, kept, chosen)


def _feature(table: Table, where: str, workload: Workload, names: Sequence[str]) -> Feature:
    level = _level(_text(table, "level", where), names, f"{where}.level")
    action = _choice(table, "action", where, ACTIONS)
    target = workload.tensor(_text(table, "target", where), f"{where}.target").name
    by = _names(table, "by", where) or ()
    _nothing_left(table, f"{where}.")
    for leader in by:
        if workload.tensor(leader, f"{where}.by").name == target:
            raise UserError(f"{where}.by: {leader} cannot lead itself")
    if (action == "pack") == bool(by):
        raise UserError(f"{where}.by: {'gate and skip need a leader' if not by else 'pack takes no leader'}")
    return Feature(level, action, target, by)


def _format(ranks: object, where: str, workload: Workload) -> Format:
    if not isinstance(ranks, list) or not ranks:
        raise UserError(f'{where}: must be a list of ranks such as ["UOP", "CP"]')
    result = []
    for rank in ranks:
        found = _RANK.fullmatch(rank) if isinstance(rank, str) else None
        if not found or found[1] not in Kind.__members__:
            raise UserError(f"{where}: {rank!r} is no rank such as CP, CP:4 or RLE:4(c,r): U, B, CP, RLE, UOP")
        dimensions = tuple(part.strip() for part in (found[3] or "").split(",") if part.strip())
        for dimension in dimensions:
            _dimension(dimension, workload, where)
        result.append(Rank(Kind(found[1]), int(found[2]) if found[2] else None, dimensions))
    return Format(tuple(result))


def _mapping(entries: Sequence[Table], workload: Workload, names: Sequence[str]) -> Mapping:
    """Return the mapping of a layer: a loop without a bound takes what the others leave of its dimension."""
    parsed = []
    for index, entry in enumerate(entries):
        entry, where = dict(entry), f"mapping.{index}"
        level = _level(_text(entry, "level", where), names, f"{where}.level")
        loops = [_loops(entry, kind, where, workload) for kind in ("loops", "spatial")]
        parsed.append((level, *loops, _names(entry, "keep", where)))
        _nothing_left(entry, f"{where}.")
    every = [loop for _, temporal, spatial, _ in parsed for loop in (*temporal, *spatial)]
    open_ = [name for name, bound in every if bound is None]
    for name in open_:
        if open_.count(name) > 1:
            raise UserError(f"mapping: {name} has two loops without a bound; give one of them its bound")
    given = {name: int(np.prod([b for n, b in every if n == name and b] or [1])) for name in workload.sizes}
    for name in open_:
        if workload.sizes[name] % given[name]:
            raise UserError(f"mapping: {name}: {given[name]} does not divide the {workload.sizes[name]} there are")

    def settled(loops: Sequence[tuple[str, int | None]]) -> tuple[tuple[str, int], ...]:
        return tuple((name, bound or workload.sizes[name] // given[name]) for name, bound in loops)

    return Mapping(
        tuple(Loops(level, settled(temporal), settled(spatial), keep) for level, temporal, spatial, keep in parsed)
    )


def _constraint(entry: Table, index: int, workload: Workload, names: Sequence[str]) -> Constraint:
    where = f"search.{index}"
    level = _level(_text(entry, "level", where), names, f"{where}.level")
    groups: list[tuple[str, ...] | None] = []
    fixed: list[dict[str, int]] = []
    for kind in ("loops", "spatial"):
        loops = _loops(entry, kind, where, workload) if kind in entry else None
        groups.append(None if loops is None else tuple(name for name, _ in loops))
        fixed.append({name: bound for name, bound in loops or () if bound is not None})
    order = _names(entry, "order", where) or ()
    for name in order:
        _dimension(name, workload, f"{where}.order")
    keep = _names(entry, "keep", where)
    for tensor in keep or ():
        workload.tensor(tensor, f"{where}.keep")
    _nothing_left(entry, f"{where}.")
    return Constraint(level, groups[0], groups[1], (fixed[0], fixed[1]), order, keep)


def _loops(table: Table, key: str, where: str, workload: Workload) -> list[tuple[str, int | None]]:
    result = []
    for part in _text(table, key, where, default="").split():
        found = _LOOP.fullmatch(part)
        if not found or found[2] == "0":
            raise UserError(f"{where}.{key}: {part!r} is no loop such as k:8, or k for what is left")
        result.append((_dimension(found[1], workload, f"{where}.{key}"), int(found[2]) if found[2] else None))
    return result


def _dimension(name: str, workload: Workload, where: str) -> str:
    if name not in workload.sizes:
        near = did_you_mean(name, workload.dimensions, "dimensions")
        raise UserError(f"{where}: no dimension {shorten(name)}{near}")
    return name


def _level(name: str, names: Sequence[str], where: str) -> str:
    if name not in names:
        raise UserError(f"{where}: no level {shorten(name)}{did_you_mean(name, names, 'levels')}")
    return name


def _record(kind: type[Record], table: Table, where: str, **given: object) -> Record:
    """Return a dataclass of a table's values, each of its field's type; numbers are not negative."""
    hints = typing.get_type_hints(kind)
    values: Table = {}
    for key, value in table.items():
        if key not in hints or key in given:
            raise UserError(f"{where}.{key}: no such field{did_you_mean(key, hints, 'fields')}")
        union = typing.get_origin(hints[key]) is types.UnionType
        kinds = typing.get_args(hints[key]) if union else (hints[key],)
        if type(value) is int and float in kinds:
            value = float(value)
        if type(value) not in kinds:
            expected = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
            raise UserError(f"{where}.{key}: must be {expected[kinds[0]]}, not {shorten(str(value))}")
        least = 1 if key in ("word", "size", "buffers", "block", "fanout") else 0
        if type(value) in (int, float) and not least <= value < float("inf"):
            raise UserError(f"{where}.{key}: must be {least} or more, not {value}")
        if key.endswith("bandwidth") and value == 0:
            raise UserError(f"{where}.{key}: must be above 0; leave it out where there is no limit")
        values[key] = value
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]
        missing = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if missing and each.name not in values:
            raise UserError(f"{where}.{each.name}: missing")
    return kind(**values, **given)


def _table(values: Table, key: str, where: str = "", *, optional: bool = False) -> Table:
    found = values.pop(key, {} if optional else None)
    if not isinstance(found, dict):
        raise UserError(f"{where and where + '.'}{key}: {'missing' if found is None else 'must be a table'}")
    return dict(found)


def _list(values: Table, key: str, where: str = "", *, optional: bool = False) -> list[Table]:
    found = values.pop(key, [] if optional else None)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        place = f"{where and where + '.'}{key}"
        raise UserError(f"{place}: {'missing' if found is None else f'must be tables: [[{place}]]'}")
    if not found and not optional:
        raise UserError(f"{where and where + '.'}{key}: is empty")
    return [dict(entry) for entry in found]


def _text(table: Table, key: str, where: str, *, default: str | None = None) -> str:
    found = table.pop(key, default)
    if not isinstance(found, str):
        raise UserError(f"{where}.{key}: {'missing' if found is None else 'must be a text'}")
    return found


def _choice(table: Table, key: str, where: str, known: Sequence[str]) -> str:
    found = _text(table, key, where)
    if found not in known:
        raise UserError(f"{where}.{key}: must be {' or '.join(known)}, not {found!r}")
    return found


def _names(table: Table, key: str, where: str) -> tuple[str, ...] | None:
    found = table.pop(key, None)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{where}.{key}: must be a list of names")
    return tuple(found)


def _nothing_left(table: Table, where: str) -> None:
    for key in table:
        raise UserError(f"{where}{key}: no such field")
