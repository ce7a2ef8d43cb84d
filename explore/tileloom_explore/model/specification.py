"""Specifications in TOML: workload, architecture, features and formats, mapping or constraints of a search.

``docs/model.md`` has every field. What is wrong is one line with the path of the field.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tileloom.config import did_you_mean, shorten
from tileloom.errors import UserError
from tileloom.families import read_toml

from .architecture import Architecture, Compute, Feature, Level, Metadata, Options
from .density import ActualData, Density, FixedStructured, Uniform, banded
from .formats import Format, Kind, Rank
from .loops import Constraint, read_constraint, read_mapping
from .mapping import Mapping
from .plain import (
    Table,
    known_name,
    nothing_left,
    record,
    take_choice,
    take_list,
    take_names,
    take_table,
    take_text,
)
from .workload import Tensor, Workload, parse_einsum

_RANK = re.compile(r"([A-Z]+)(?::([1-9]\d{0,3}))?(?:\(([\w, ]+)\))?")

LAWS = ("uniform", "fixed-structured", "banded", "actual")
ACTIONS = ("gate", "skip", "pack")
LARGEST = 2**53
"""Most computes of a layer: counts are float64."""


@dataclass(frozen=True)
class LayerSpecification:
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
    layers: tuple[LayerSpecification, ...]
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
    workload, own = take_table(values, "workload"), take_list(values, "layer", optional=True)
    design = take_table(values, "architecture")
    features = take_list(values, "feature", optional=True)
    formats = take_table(values, "format", optional=True)
    mapping, search = (take_list(values, key, optional=True) for key in ("mapping", "search"))
    notes = take_table(values, "notes", optional=True)
    nothing_left(values, "")
    if bool(mapping) == bool(search):
        raise UserError("mapping: give [[mapping]] for each level, or [[search]] for each, and not both")
    common: Table = {"name": take_text(workload, "name", "workload", default="workload")}
    common["einsum"] = take_text(workload, "einsum", "workload")
    for key in ("sizes", "density"):
        common[key] = take_table(workload, key, "workload", optional=key == "density")
    nothing_left(workload, "workload")
    entries = [_merged(common, entry, f"layer.{index}") for index, entry in enumerate(own)] or [common]
    called = [entry["name"] for entry in entries]
    for other in called:
        if called.count(other) > 1:
            raise UserError(f"layer: two layers are called {other}")
    places = [f"layer.{index}" if own else "workload" for index in range(len(entries))]
    workloads = [_workload(entry, where, folder) for entry, where in zip(entries, places, strict=True)]
    architecture = _architecture(design, features, formats, workloads[0])
    names = [level.name for level in architecture.levels]
    layers = []
    for entry, each, where in zip(entries, workloads, places, strict=True):
        dense = [each.tensor(tensor, f"{where}.dense").name for tensor in entry.get("dense", ())]
        kept = {key: form for key, form in architecture.formats.items() if key[1] not in dense}
        levels = [_overridden(level, entry, where, names) for level in mapping]
        chosen = read_mapping(levels, each, names) if mapping else None
        layers.append(LayerSpecification(each, dataclasses.replace(architecture, formats=kept), chosen))
    constraints = tuple(
        read_constraint(entry, index, workloads[0], names) for index, entry in enumerate(search)
    )
    if search and [each.level for each in constraints] != names:
        raise UserError(f"search: give one for each level in turn: {', '.join(names)}")
    for entry, where in zip(entries, places, strict=True):
        for key in ("loops", "spatial"):
            if search and entry.get(key):
                raise UserError(f"{where}.{key}: is for a [[mapping]]; a search finds its own")
    return Specification(name, tuple(layers), constraints, notes)


def _merged(common: Table, layer: Table, where: str) -> Table:
    """Return what a layer is made of: its own values over those of ``[workload]``."""
    result: Table = {"name": take_text(layer, "name", where)}
    result["einsum"] = take_text(layer, "einsum", where, default=common["einsum"])
    for key in ("sizes", "density"):
        result[key] = common[key] | take_table(layer, key, where, optional=True)
    for key in ("loops", "spatial"):
        result[key] = take_table(layer, key, where, optional=True)
    result["dense"] = take_names(layer, "dense", where) or ()
    nothing_left(layer, where)
    return result


def _overridden(level: Table, layer: Table, where: str, names: Sequence[str]) -> Table:
    """Return a level of the mapping with a layer's own loops in place of the common ones."""
    result = dict(level)
    for key in ("loops", "spatial"):
        for name, loops in layer.get(key, {}).items():
            known_name(name, names, f"{where}.{key}", "level")
            if name == level.get("level"):
                result[key] = loops
    return result


def _workload(entry: Table, where: str, folder: Path) -> Workload:
    tensors, terms = parse_einsum(entry["einsum"], f"{where}.einsum")
    sizes: Table = entry["sizes"]
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
    bare = Workload(entry["name"], {name: sizes[name] for name in used}, tensors, terms, {})
    if bare.computes > LARGEST:
        raise UserError(f"{where}.sizes: {bare.computes:,} computes; at most {LARGEST:,} are counted exactly")
    density = {}
    for tensor, law in entry["density"].items():
        found = bare.tensor(tensor, f"{where}.density")
        density[tensor] = _law(law, found, sizes, f"{where}.density.{tensor}", folder)
    return dataclasses.replace(bare, density=density)


def _law(value: object, tensor: Tensor, sizes: MappingOf[str, int], where: str, folder: Path) -> Density:
    """Return the law of a tensor's non-zeros; only words that the Einsum uses count."""
    shape, grid = tensor.shape(sizes), tensor.grid(sizes)
    table = dict(value) if isinstance(value, dict) else {"law": "uniform", "density": value}
    law = take_choice(table, "law", where, LAWS)
    if law in ("uniform", "fixed-structured"):
        density = table.pop("density", None)
        if type(density) not in (int, float) or not 0 <= density <= 1:  # type: ignore[operator]
            raise UserError(f"{where}: the density must be from 0 to 1, not {shorten(str(density))}")
        nothing_left(table, where)
        words = math.prod((size - 1) // step + 1 for size, step in zip(shape, grid, strict=True))
        if law == "fixed-structured":
            return FixedStructured(float(density))  # type: ignore[arg-type]
        return Uniform(float(density), words)  # type: ignore[arg-type]
    if law == "banded":
        width = table.pop("width", None)
        nothing_left(table, where)
        if type(width) is not int or width < 0 or len(shape) != 2:
            raise UserError(f"{where}: a band is a width from 0 of a tensor with two ranks")
        return banded(shape, width)
    file = folder / take_text(table, "file", where)
    nothing_left(table, where)
    try:
        data = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{where}.file: {file}: {getattr(error, 'strerror', None) or 'no .npy file'}"
        ) from None
    if not isinstance(data, np.ndarray) or data.shape != shape:
        raise UserError(f"{where}.file: {file}: has the shape {np.shape(data)}, the tensor {shape}")
    return ActualData(data[tuple(slice(None, None, step) for step in grid)] != 0)


def _architecture(
    table: Table, features: Sequence[Table], formats: Table, workload: Workload
) -> Architecture:
    name = take_text(table, "name", "architecture", default="architecture")
    levels = []
    for index, entry in enumerate(take_list(table, "level", "architecture")):
        where = f"architecture.level.{index}"
        metadata = record(Metadata, take_table(entry, "metadata", where, optional=True), f"{where}.metadata")
        levels.append(record(Level, entry, where, metadata=metadata))
    compute = take_table(table, "compute", "architecture", optional=True)
    unit = record(Compute, compute, "architecture.compute")
    if unit.zeros not in ("compute", "gate", "skip"):
        raise UserError(f"architecture.compute.zeros: must be compute, gate or skip, not {unit.zeros!r}")
    chosen = record(
        Options, take_table(table, "options", "architecture", optional=True), "architecture.options"
    )
    if not 0 < chosen.confidence <= 1:
        raise UserError(f"architecture.options.confidence: must be above 0, to 1, not {chosen.confidence}")
    nothing_left(table, "architecture")
    names = [level.name for level in levels]
    for known in names:
        if names.count(known) > 1:
            raise UserError(f"architecture.level: two levels are called {known}")
    found = tuple(
        _feature(entry, f"feature.{index}", workload, names) for index, entry in enumerate(features)
    )
    kept: dict[tuple[str, str], Format] = {}
    for level, tensors in formats.items():
        known_name(level, names, f"format.{level}", "level")
        for tensor, ranks in tensors.items() if isinstance(tensors, dict) else ():
            workload.tensor(tensor, f"format.{level}")
            kept[level, tensor] = _format(ranks, f"format.{level}.{tensor}", workload)
    return Architecture(name, tuple(levels), unit, found, kept, chosen)


def _feature(table: Table, where: str, workload: Workload, names: Sequence[str]) -> Feature:
    level = known_name(take_text(table, "level", where), names, f"{where}.level", "level")
    action = take_choice(table, "action", where, ACTIONS)
    target = workload.tensor(take_text(table, "target", where), f"{where}.target").name
    by = take_names(table, "by", where) or ()
    nothing_left(table, f"{where}")
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
            raise UserError(
                f"{where}: {rank!r} is no rank such as CP, CP:4 or RLE:4(c,r): U, B, CP, RLE, UOP"
            )
        dimensions = tuple(part.strip() for part in (found[3] or "").split(",") if part.strip())
        for dimension in dimensions:
            known_name(dimension, workload.dimensions, where, "dimension")
        result.append(Rank(Kind(found[1]), int(found[2]) if found[2] else None, dimensions))
    return Format(tuple(result))
