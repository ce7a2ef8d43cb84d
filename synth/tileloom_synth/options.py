"""Options of every command that maps to a cell library: which one, how fast, and where the report goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from tileloom.errors import UserError

from .library import pdk
from .library import standard_cells as library
from .library.standard_cells import Library
from .power.tables import Units

_PERIOD = re.compile(r"(\d+(?:\.\d+)?) ?(ps|ns)")
SHORTEST_PS, LONGEST_PS = 10.0, 1e6
"""Periods that can be asked for, in picoseconds: what no gate reaches, and a millionth of a second."""


class Period(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """A clock period, such as ``2ns`` or ``1250ps``, in picoseconds."""

    name = "PERIOD"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        """Return the period, or fail with what is wrong."""
        if isinstance(value, float):
            return value
        match = _PERIOD.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a period: give for example 2ns or 1250ps", parameter, context)
        period = float(match[1]) * {"ps": 1.0, "ns": 1000.0}[match[2]]
        if not SHORTEST_PS <= period <= LONGEST_PS:
            self.fail(
                f"{value}: must be from {SHORTEST_PS:g} ps to {LONGEST_PS / 1000:g} ns", parameter, context
            )
        return period


def library_options() -> list[click.Parameter]:
    """Return ``--liberty`` (passed on as ``files``), ``--pdk`` (``kit``) and ``--clock`` (``clock_ps``)."""
    return [
        click.Option(
            ["--liberty", "files"],
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Liberty file, .gz or not; several make one library.  "
            "[default: a generic one, in gate equivalents]",
        ),
        click.Option(
            ["--pdk", "kit"], metavar="NAME", help="Library of an open PDK under $PDK_ROOT, such as sky130A."
        ),
        click.Option(
            ["--clock", "clock_ps"],
            type=Period(),
            metavar="PERIOD",
            help="Map for a period, such as 2ns, and report timing.",
        ),
    ]


def choose_library(files: Sequence[Path], kit: str | None) -> Library:
    """Return the library of ``--liberty`` and ``--pdk``; without either the generic one.

    Raises UserError that names the file or the kit.
    """
    if isinstance(files, str | Path) or not all(isinstance(path, str | Path) for path in files):
        raise UserError(f"files: must be a list of paths, not {files!r}")
    if files and kit:
        raise UserError("give --liberty or --pdk, not both")
    if kit:
        return library.load(pdk.find(kit))
    return library.load([Path(path) for path in files]) if files else library.generic()


def check_period(clock_ps: object) -> None:
    """Raise UserError where a program's ``clock_ps`` is neither None nor a period in picoseconds."""
    number = type(clock_ps) in (int, float) and SHORTEST_PS <= clock_ps <= LONGEST_PS  # type: ignore[operator]
    if clock_ps is not None and not number:
        raise UserError(
            f"clock_ps: must be a number from {SHORTEST_PS:g} to {LONGEST_PS:g} picoseconds, not {clock_ps!r}"
        )


def power_library(files: Sequence[Path], kit: str | None, clock_ps: float | None) -> tuple[Library, float]:
    """Return the library and the period of a measurement of power, both of which it needs.

    Raises UserError where either is missing, or the library has no tables of power.
    """
    check_period(clock_ps)
    if clock_ps is None:
        raise UserError("--clock: give a period, such as 2ns; power needs one")
    if not files and not kit:
        raise UserError("--liberty: give a library with tables of power, or --pdk; the generic one has none")
    chosen = choose_library(files, kit)
    Units.of(chosen)
    return chosen, clock_ps
