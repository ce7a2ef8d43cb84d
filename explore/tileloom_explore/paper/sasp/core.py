"""``tileloom paper sasp core``: area of CV32E40P with its FPU, and energy of a cycle of two programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.errors import UserError
from tileloom_synth.options import choose_library, library_options
from tileloom_synth.power.meter import Reading
from tileloom_synth.power.report import BOUNDS, bound_key
from tileloom_synth.power.tables import LibraryUnits
from tileloom_synth.progress import progress
from tileloom_synth.report import Report
from tileloom_synth.systolic import host

PROGRAMS = {"multiplying": host.multiplying, "moving": host.moving}
"""The blocked product, which the core does alone; and words moved, as for an array."""


@click.command("core", short_help="Area of CV32E40P with its FPU, energy of a cycle.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of data: replay."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def core_command(files: Sequence[Path], kit: str | None, seed: int, as_json: bool) -> None:
    """Map CV32E40P with its FPU, without an array, and measure the energy of a cycle gate by gate.

    Twice: where it multiplies by itself (the inner loop of the blocked product), and where it moves words, as
    it does for an array. What --json prints goes to `table3 --core`.

    \b
    Example:
      tileloom paper sasp core --liberty nangate45.lib.gz --json > core.json
    """
    if not files and not kit:
        raise UserError("--liberty: give a library with tables of power, or --pdk; the generic one has none")
    library = choose_library(files, kit)
    LibraryUnits.of(library)
    with progress(f"Synthesising {host.TOP} to {library.name}") as told:
        report = host.map_host(library, told)
    found: dict[str, dict[str, Reading]] = {}
    with step(f"Simulating {host.TOP}") as shown:
        for name, program in PROGRAMS.items():
            rng = np.random.default_rng(seed)
            found[name] = host.measure_host(
                report,
                library,
                program(rng),
                rng,
                lambda text, name=name: shown.show(f"{name}, {text}"),  # type: ignore[misc]
            )
    if as_json:
        print_json(to_json(report, found))
    else:
        print_core(report, found)


def to_json(report: Report, found: dict[str, dict[str, Reading]]) -> dict[str, Any]:
    """Return area and energies as plain data."""
    return {
        "library": report.library,
        "area": round(report.area, 3),
        "gate_equivalents": round(report.gate_equivalents, 1),
        "flops": report.flops,
        "cycle_j": {
            name: {bound_key(bound): each[bound].energy.total for bound in BOUNDS}
            for name, each in found.items()
        },
        "leakage_w": found["moving"][BOUNDS[0]].leaks,
    }


def print_core(report: Report, found: dict[str, dict[str, Reading]]) -> None:
    """Print the table."""
    cells = [
        (
            name,
            *(f"{each[bound].energy.total * 1e12:,.1f}" for bound in BOUNDS),
            f"{each[BOUNDS[0]].leaks * 1e3:.2f}",
        )
        for name, each in found.items()
    ]
    area = f"{report.area:,.0f} {report.unit}, {report.gate_equivalents:,.0f} GE, {report.flops:,} flip-flops"
    headings = ("program", *(f"pJ a cycle, {bound}" for bound in BOUNDS), "leakage, mW")
    print_table(f"CV32E40P with its FPU in {report.library}: {area}", headings, cells)
    note("No clock asked for; without memories, wires and clock tree.")


core_command.params = [*library_options()[:2], *core_command.params]
