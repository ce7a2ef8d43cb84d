"""Standard-cell libraries: liberty files in, the cells that the flow asks for out.

Cells are found by what they do, never by name. Several files make one library, as ASAP7's five do. Yosys, ABC
and OpenSTA are given one merged file, without the cells that are not to be used and without tables of power,
which none of them reads and which are most of a file.
"""

from __future__ import annotations

import importlib.resources
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tileloom import scratch
from tileloom.errors import UserError

from . import cells, liberty
from .cells import Cell, FullAdder
from .liberty import Group, LibertyError

_POWER = frozenset(
    {"internal_power", "leakage_power", "dynamic_current", "receiver_capacitance", "power_lut_template"}
)
_FEMTOFARADS = {"ff": 1.0, "pf": 1000.0}
_PICOSECONDS = {"ps": 1.0, "ns": 1000.0}


class LibraryError(UserError):
    """Files that do not make a library to synthesise with; the message names the file."""


@dataclass(frozen=True)
class Library:
    """A library, ready for mapping.

    Attributes
    ----------
    name:
        Of the first file's ``library`` group.
    timing, functions:
        The merged liberty file; the same without delays, for tools that look at functions alone, which it
        makes much faster. Both are temporary and go with the process.
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
    """

    name: str
    timing: Path
    functions: Path
    cells: Mapping[str, Cell]
    nand2: Cell
    buffer: Cell
    full_adder: FullAdder | None
    half_adder: FullAdder | None
    clock_gate: str | None
    area_unit: str
    time_unit_ps: float
    load_unit_ff: float


def generic() -> Library:
    """Return the project's own library, in gate equivalents, which needs nothing installed."""
    with importlib.resources.as_file(importlib.resources.files(__package__) / "generic.lib") as path:
        return load([path], area_unit="GE")


def load(paths: Sequence[Path], *, area_unit: str = "um2") -> Library:
    """Return the library that the files, gzip-compressed or not, make together.

    Raises LibraryError that names the file where one cannot be read or is not liberty, where units differ,
    and where there is no two-input NAND, buffer or flip-flop to map to.
    """
    try:
        texts = [liberty.read(path) for path in paths]
        groups = [liberty.parse(text, path) for text, path in zip(texts, paths, strict=True)]
    except LibertyError as error:
        raise LibraryError(str(error)) from None
    time_unit, load_unit = _units(groups[0], paths[0])
    for group, path in zip(groups[1:], paths[1:], strict=True):
        if _units(group, path) != (time_unit, load_unit):
            raise LibraryError(f"{path}: its units are not those of {paths[0]}: they cannot be one library")

    usable: dict[str, Cell] = {}
    for group, path in zip(groups, paths, strict=True):
        try:
            found = [cell for cell in map(cells.read, group.all("cell")) if not cell.dont_use]
        except ValueError as error:
            raise LibraryError(f"{path}: {error}") from None
        for cell in found:
            if cell.name in usable:
                raise LibraryError(f"{path}: cell {cell.name} is in another file too: give each corner alone")
            usable[cell.name] = cell

    where = ", ".join(str(path) for path in paths)
    if not any(cell.is_flip_flop for cell in usable.values()):
        raise LibraryError(f"{where}: no flip-flop; several files can be given where they make one library")
    buffers = sorted(cells.of_function(usable.values(), 1, 0b10), key=lambda cell: cell.area)
    if not buffers:
        raise LibraryError(f"{where}: no buffer")
    nands = cells.of_function(usable.values(), 2, 0b0111)
    if not nands:
        raise LibraryError(f"{where}: no two-input NAND, whose area is a gate equivalent")
    larger = [cell for cell in buffers if cell.area > buffers[0].area]
    gates = [cell for cell in usable.values() if cell.clock_gate]
    folder = _folder()
    return Library(
        name=groups[0].name,
        timing=_write(folder / "timing.lib", groups, texts, usable, frozenset()),
        functions=_write(folder / "functions.lib", groups, texts, usable, frozenset({"timing"})),
        cells=usable,
        nand2=min(nands, key=lambda cell: cell.area),
        buffer=(larger or buffers)[0],
        full_adder=cells.smallest_adder(usable.values(), 3),
        half_adder=cells.smallest_adder(usable.values(), 2),
        clock_gate=min(gates, key=lambda cell: cell.area).name if gates else None,
        area_unit=area_unit,
        time_unit_ps=time_unit,
        load_unit_ff=load_unit,
    )


def _units(group: Group, path: Path) -> tuple[float, float]:
    """Return the units of time (ps) and of capacitance (fF)."""
    time = group.attributes.get("time_unit", "1ns").lower()
    amount, _, unit = group.attributes.get("capacitive_load_unit", "1, pf").lower().partition(",")
    try:
        return float(time[:-2]) * _PICOSECONDS[time[-2:]], float(amount) * _FEMTOFARADS[unit.strip(' "')]
    except (ValueError, KeyError):
        raise LibraryError(f"{path}: time_unit {time!r} or capacitive_load_unit is not understood") from None


def _folder() -> Path:
    """Return a new folder for merged files; removed when the process ends."""
    return Path(tempfile.mkdtemp(dir=scratch.lasting("tileloom-library-")))


def _write(
    path: Path,
    groups: Sequence[Group],
    texts: Sequence[str],
    usable: Mapping[str, Cell],
    dropped: frozenset[str],
) -> Path:
    """Write the merged library without groups of power or of a ``dropped`` kind, and return its path."""

    def is_kept(group: Group) -> bool:
        return group.kind not in _POWER | dropped and (group.kind != "cell" or group.name in usable)

    first = _kept_text(groups[0], texts[0], is_kept).rstrip().removesuffix("}")
    known = {(group.kind, group.name) for group in groups[0].groups}
    others = [
        _kept_text(group, text, is_kept)
        for library, text in zip(groups[1:], texts[1:], strict=True)
        for group in library.groups
        if is_kept(group) and (group.kind, group.name) not in known
    ]
    # Of what is left only clock gates carry the mark, and Yosys heeds it.
    text = re.sub(r'\bdont_use\s*:\s*"?true"?\s*;', "", "\n".join([first, *others, "}\n"]))
    path.write_text(text, encoding="utf-8")
    return path


def _kept_text(group: Group, text: str, is_kept: Callable[[Group], bool]) -> str:
    pieces = []
    place = group.start
    for inner in group.groups:
        pieces.append(text[place : inner.start])
        if is_kept(inner):
            pieces.append(_kept_text(inner, text, is_kept))
        place = inner.end
    return "".join([*pieces, text[place : group.end]])
