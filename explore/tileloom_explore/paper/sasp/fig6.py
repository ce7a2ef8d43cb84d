"""``tileloom paper sasp fig6``: area and power of the eight arrays, beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tileloom.cli.console import note, print_json, step
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom_synth.options import library_options, power_target, target

from . import area, area_chart
from . import power as measured


@click.command("fig6", short_help="Area and power by size and processing element.")
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw them by origin to this file, too."
)
@click.option("--flat", is_flag=True, help="Flatten the hierarchy first: much slower, a little smaller.")
@click.option("--double-buffer", is_flag=True, help="Arrays as a core has them: with two tiles of weights.")
@click.option("--power", is_flag=True, help="Power too; with --liberty or --pdk, and --clock.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of --power: replay its data.  [default: 0]")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def fig6_command(
    files: Sequence[Path],
    kit: str | None,
    clock_ps: float | None,
    svg: Path | None,
    flat: bool,
    double_buffer: bool,
    power: bool,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Synthesise the eight arrays of the SASP paper and set their area beside the paper's (Fig. 6).

    \b
    Examples:
      tileloom paper sasp fig6
      tileloom paper sasp fig6 --liberty nangate45.lib.gz --svg area.svg
      tileloom paper sasp fig6 --liberty nangate45.lib.gz --clock 4ns --power

    With --power their power, too: what INT8 weights save of it, for both bounds of glitches.
    """
    outputs = claim({"--svg": svg}, inputs=files, force=force)
    if seed is not None and not power:
        raise UserError("--seed: is of --power; nothing else is drawn")
    chosen = power_target if power else target
    goal = chosen(files=files, kit=kit, clock_ps=clock_ps)
    hierarchy = "flat" if flat else "units"
    if flat and clock_ps is not None:
        raise UserError("--flat: with --clock arrays are mapped module by module, as the smallest needs it")
    rows = area.measure(
        goal.library, hierarchy=hierarchy, constraints=goal.constraints, double_buffer=double_buffer
    )
    watts: list[measured.Row] = []
    if power and clock_ps is not None:
        reports = {row.size: row.reports for row in rows}
        with step("Measuring power") as shown_power:
            watts = measured.measure_power(
                reports, goal.library, clock_ps, seed or 0, shown_power.show, double_buffer=double_buffer
            )
    if svg:
        outputs.write({svg: area_chart.draw(rows, watts)})
    if as_json:
        more = {"clock_ps": clock_ps, "power": measured.to_json(watts)} if watts else {}
        print_json(
            {"library": goal.library.name, "double_buffer": double_buffer, **area.to_json(rows), **more}
        )
        return
    area.print_rows(rows)
    if clock_ps is not None:
        met = all(report.timing and report.timing.met for report in rows[0].reports.values())
        size = f"{rows[0].size}x{rows[0].size}"
        note(
            f"{clock_ps:g} ps is {'met' if met else 'NOT met'} at {size}; larger arrays are mapped like it, "
            "and not timed"
        )
    if watts and clock_ps is not None:
        measured.sheet(watts, goal.library.name, clock_ps).show()
        for text in measured.NOTES:
            note(text)


fig6_command.params = [*library_options(), *fig6_command.params]
