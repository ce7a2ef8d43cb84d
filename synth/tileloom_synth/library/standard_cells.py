"""Standard-cell libraries: liberty files in, the cells that the flow asks for out.

Cells are found by what they do, never by name. Several files make one library, as ASAP7's five do. Before any
tool is started it is checked that the library can serve.
"""

from __future__ import annotations

import functools
import importlib.resources
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tileloom import scratch

from . import cells, delays, delivery, liberty
from .cells import Cell, FullAdder
from .delays import FanOutOfFour
from .lexer import LibertyError
from .liberty import Group

_FEMTOFARADS = {"ff": 1.0, "pf": 1000.0}
_PICOSECONDS = {"fs": 0.001, "ps": 1.0, "ns": 1000.0, "us": 1e6}


class LibraryError(LibertyError):
    """Files that do not make a library to synthesise with; the message names the file."""


@dataclass(frozen=True)
class Library:
    """A library, ready for mapping.

    Attributes
    ----------
    name:
        Of the first file's ``library`` group.
    timing, functions:
        What the tools are given: the merged liberty file; the same without delays, for tools that look at
        functions alone, which it makes much faster. Both are temporary and go with the process.
    untimed:
        None, or why the library maps for area alone: it names a cell that has no tables of delay.
    cells:
        All cells that may be used, by name.
    nand2:
        The smallest two-input NAND: its area is a gate equivalent.
    buffer:
        What is taken to drive inputs: the smallest buffer but one.
    full_adder, half_adder:
        The smallest of each, or None where the library has none.
    clock_gate:
        Name of the smallest cell that gates a rising-edge clock behind a latch, or None.
    area_unit:
        ``um2``, or ``GE`` in the generic library.
    time_unit_ps, load_unit_ff:
        The file's units, in picoseconds and femtofarads.
    templates:
        Its ``lu_table_template`` groups by name.
    groups:
        What the files say besides.
    """

    name: str
    timing: Path
    functions: Path
    untimed: str | None
    cells: Mapping[str, Cell]
    nand2: Cell
    buffer: Cell
    full_adder: FullAdder | None
    half_adder: FullAdder | None
    clock_gate: str | None
    area_unit: str
    time_unit_ps: float
    load_unit_ff: float
    templates: Mapping[str, Group]
    groups: tuple[Group, ...]

    @functools.cached_property
    def fo4(self) -> FanOutOfFour:
        """The delay of an inverter that drives four of its own kind. Raises LibraryError without tables."""
        try:
            return delays.fan_out_of_four(self.cells, self.templates)
        except ValueError as error:
            raise LibraryError(f"no fan-out-of-four delay: {error}") from None


def generic() -> Library:
    """Return the project's own library, in gate equivalents, which needs nothing installed."""
    with importlib.resources.as_file(importlib.resources.files(__package__) / "generic.lib") as path:
        return load([path], area_unit="GE")


def load(paths: Sequence[Path], *, area_unit: str = "um2") -> Library:
    """Return the library that the files, gzip-compressed or not, make together.

    Raises LibraryError, one line with file and line, where a file cannot be read or is not liberty, where a
    cell that can be mapped to has no area, where files do not belong together, and where there is nothing to
    map to: a two-input NAND, an inverter, a buffer, and a flip-flop that is not for scan alone.
    """
    try:
        return _load(paths, area_unit)
    except LibraryError:
        raise
    except LibertyError as error:
        raise LibraryError(str(error)) from None


def _load(paths: Sequence[Path], area_unit: str) -> Library:
    groups = [liberty.parse(path) for path in paths]
    time_unit, load_unit = _units(groups[0])
    for group in groups[1:]:
        _check_same(group, groups[0])
    usable: dict[str, Cell] = {}
    for group in groups:
        for cell in map(cells.read, group.all("cell")):
            if cell.dont_use:
                continue
            if cell.name in usable:
                first = usable[cell.name].group.where
                raise LibraryError(
                    f"{cell.group.where}: cell {cell.name} is at {first} too: give each corner alone"
                )
            usable[cell.name] = cell
    gates = [cell for cell in usable.values() if cell.clock_gate]
    nands = cells.of_function(usable.values(), 2, 0b0111)
    buffers = sorted(cells.of_function(usable.values(), 1, 0b10), key=lambda cell: cell.area)
    _check_serves(groups, usable, bool(nands), bool(buffers))
    larger = [cell for cell in buffers if cell.area > buffers[0].area]
    untimed = next((cell for cell in usable.values() if cell.is_mapped_to and not cell.has_delays()), None)
    folder = Path(tempfile.mkdtemp(dir=scratch.lasting("tileloom-library-")))
    write = delivery.with_unit_delays if untimed else delivery.with_delays
    return Library(
        name=groups[0].name,
        timing=write(groups, usable, folder / "timing.lib"),
        functions=delivery.functions_alone(groups, usable, folder / "functions.lib"),
        untimed=f"{untimed.group.where}: cell {untimed.name} has no tables of delay" if untimed else None,
        cells=usable,
        nand2=min(nands, key=lambda cell: cell.area),
        buffer=(larger or buffers)[0],
        full_adder=cells.smallest_adder(usable.values(), 3),
        half_adder=cells.smallest_adder(usable.values(), 2),
        clock_gate=min(gates, key=lambda cell: cell.area).name if gates else None,
        area_unit=area_unit,
        time_unit_ps=time_unit,
        load_unit_ff=load_unit,
        groups=tuple(groups),
        templates={
            template.name: template for group in groups for template in group.all("lu_table_template")
        },
    )


def _check_serves(
    groups: Sequence[Group], usable: Mapping[str, Cell], has_nand: bool, has_buffer: bool
) -> None:
    """Raise LibraryError that names all that is lacking in one line."""
    lacks = []
    if not any(cell.is_flip_flop for cell in usable.values()):
        lacks.append(_no_flip_flop(groups))
    if not has_nand:
        lacks.append("no two-input NAND (!(A B)), whose area is a gate equivalent")
    if not cells.of_function(usable.values(), 1, 0b01):
        lacks.append("no inverter (!A)")
    if not has_buffer:
        lacks.append("no buffer (A)")
    if lacks:
        where = ", ".join(str(group.source.path) for group in groups)
        hint = "; several files can be given where they make one library"
        raise LibraryError(f"{where}: {'; '.join(lacks)}{hint}")


def _no_flip_flop(groups: Sequence[Group]) -> str:
    for group in groups:
        for cell in group.all("cell"):
            if next(cell.all("ff", "ff_bank"), None):
                inputs = tuple(
                    name for name, p in cells.pins(cell) if p.attributes.get("direction") == "input"
                )
                why = cells.why_not_flip_flop(cell, inputs) or "is marked not to be used"
                return f"no flip-flop to map to: {cell.name} {why}"
    return "no flip-flop"


def _check_same(group: Group, first: Group) -> None:
    """Raise LibraryError where the files' tables do not mean the same."""
    if _units(group) != _units(first):
        raise LibraryError(
            f"{group.where}: its units are not those of {first.where}: they cannot be one library"
        )
    for name, default in delivery.DEFAULTS.items():
        own, other = (each.attributes.get(name, default) for each in (group, first))
        if _number(own) != _number(other):
            raise LibraryError(
                f"{group.where}: {name} {own} where {first.where} has {other}: they cannot be one library"
            )
    templates = {template.name: template for template in first.all("lu_table_template")}
    for template in group.all("lu_table_template"):
        other_template = templates.get(template.name, template)
        if template.statements != other_template.statements:
            raise LibraryError(
                f"{template.where}: lu_table_template {template.name} is not that of {other_template.where}: "
                "they cannot be one library"
            )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _units(group: Group) -> tuple[float, float]:
    """Return the units of time (ps) and of capacitance (fF)."""
    time = group.attributes.get("time_unit", "1ns").lower()
    load = ", ".join(group.complex("capacitive_load_unit") or ("1", "pf")).lower()
    amount, _, unit = load.partition(",")
    try:
        units = float(time[:-2]) * _PICOSECONDS[time[-2:]], float(amount) * _FEMTOFARADS[unit.strip()]
    except (ValueError, KeyError):
        units = 0.0, 0.0
    if not all(0 < unit < float("inf") for unit in units):
        raise LibraryError(
            f"{group.where}: time_unit {time} or capacitive_load_unit ({load}) is not such as 1ns, (1, pf)"
        )
    return units
