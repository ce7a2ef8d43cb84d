"""What every command that maps to cells takes: the library, a period, and what stands around the ports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

import click

from tileloom.errors import UserError

from . import constraints
from .constraints import Constraints
from .library import pdk
from .library import standard_cells as library
from .library.standard_cells import Library
from .power.tables import LibraryUnits

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


def library_options(*, needed: bool = False) -> list[click.Parameter]:
    """Return ``--liberty`` (passed on as ``files``), ``--pdk`` (``kit``) and ``--clock`` (``clock_ps``).

    Where they are ``needed`` there is no default, for the generic library does not serve.
    """
    without = "[required, or --pdk]" if needed else "[default: a generic one, in gate equivalents]"
    period = "[required]" if needed else ""
    return [
        click.Option(
            ["--liberty", "files"],
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"Liberty file, .gz or not; several make one library.  {without}",
        ),
        click.Option(
            ["--pdk", "kit"], metavar="NAME", help="Library of an open PDK under $PDK_ROOT, such as sky130A."
        ),
        click.Option(
            ["--clock", "clock_ps"],
            type=Period(),
            metavar="PERIOD",
            help=f"Map for a period, such as 2ns, and report timing.  {period}".rstrip(),
        ),
    ]


def constraint_options() -> list[click.Parameter]:
    """Return what stands around the ports, for ``--clock``; texts that ``target`` reads."""
    return [
        _condition("input-delay", "DELAY", "inputs arrive so long after the edge", constraints.INPUT_DELAY),
        _condition("output-delay", "DELAY", "outputs are due so long before it", constraints.OUTPUT_DELAY),
        _condition(
            "setup-uncertainty",
            "DELAY",
            "what jitter and skew take",
            constraints.SETUP_UNCERTAINTY,
        ),
        _condition(
            "hold-uncertainty", "DELAY", "what they take of hold's slack", constraints.HOLD_UNCERTAINTY
        ),
        _condition("driving-cell", "CELL", "drives each input", "the library's second buffer"),
        _condition("load", "LOAD", "load of each output", f"{constraints.LOAD_INVERTERS} inverters"),
    ]


def _condition(name: str, kind: str, text: str, default: str) -> click.Option:
    example = {"DELAY": ", such as 120ps or 5FO4", "LOAD": ", such as 25fF"}.get(kind, "")
    return click.Option(
        [f"--{name}"], metavar=kind, help=f"With --clock: {text}{example}.  [default: {default}]"
    )


class TargetOptions(TypedDict, total=False):
    """What ``target`` takes, and with it every family's ``synthesise``.

    Attributes
    ----------
    files, kit:
        Liberty files of one library, or the name of a PDK under $PDK_ROOT; the generic library by default.
    clock_ps:
        A period to meet, in picoseconds.
    input_delay, output_delay, setup_uncertainty, hold_uncertainty, driving_cell, load:
        With a period, as ``constraints.constrain`` takes them.
    """

    files: Sequence[Path]
    kit: str | None
    clock_ps: float | None
    input_delay: str | float | None
    output_delay: str | float | None
    setup_uncertainty: str | float | None
    hold_uncertainty: str | float | None
    driving_cell: str | None
    load: str | float | None


@dataclass(frozen=True)
class Target:
    """What to map to, and for a period under which constraints."""

    library: Library
    constraints: Constraints | None


def target(
    files: Sequence[Path] = (),
    kit: str | None = None,
    clock_ps: float | None = None,
    **conditions: str | float | None,
) -> Target:
    """Return what ``TargetOptions`` ask for. Raises UserError that names the option, the file or the kit."""
    check_period(clock_ps)
    given = {name: value for name, value in conditions.items() if value is not None}
    if clock_ps is None:
        for name in given:
            raise UserError(
                f"--{name.replace('_', '-')}: goes with --clock; without a period nothing is timed"
            )
    cells = choose_library(files, kit)
    if clock_ps is None:
        return Target(cells, None)
    return Target(cells, constraints.constrain(cells, clock_ps, **given))  # type: ignore[arg-type]


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


def power_target(**options: Unpack[TargetOptions]) -> Target:
    """Return what a measurement of power is mapped to: a library with tables of power, and a period.

    Raises UserError where either is missing, and as ``target`` does.
    """
    if options.get("clock_ps") is None:
        raise UserError("--clock: give a period, such as 2ns; power needs one")
    if not options.get("files") and not options.get("kit"):
        raise UserError("--liberty: give a library with tables of power, or --pdk; the generic one has none")
    goal = target(**options)
    LibraryUnits.of(goal.library)
    return goal
