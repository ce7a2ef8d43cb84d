"""Area and clock of what the documentation states, under the default constraints, beside the targets.

Run: python benchmarks/silicon.py LIBERTY [--only NAME] [--json]
The targets are for Nangate45; another library's figures are printed without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate as generate_engine
from tileloom.families import load
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_synth.constraints import constrain
from tileloom_synth.engine.synthesise import map_engine
from tileloom_synth.library import standard_cells as library
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.options import Target
from tileloom_synth.progress import Progress
from tileloom_synth.report import Report
from tileloom_synth.synthesis import synthesise

TARGETS_FOR = "NangateOpenCellLibrary"
FAST = {"multiply_stages": 2, "carry_save": True, "add_stages": 3}


@dataclass(frozen=True)
class Case:
    """A processing element, or the default engine where there is no preset; the most area it should take."""

    preset: str
    fields: dict[str, Any]
    period_ps: float
    target: float | None


CASES = {
    "FP32 x FP32, 2.0 ns": Case("stream-8x8-fp32", {"multiply_stages": 2, "add_stages": 2}, 2000, 4100),
    "FP32 x INT8, 2.0 ns": Case("stream-8x8-int8", {"add_stages": 2}, 2000, 2150),
    "FP32 x FP32, 1.25 ns": Case("stream-8x8-fp32", FAST, 1250, 4650),
    "FP32 x INT8, 1.25 ns": Case("stream-8x8-int8", FAST, 1250, 2700),
    "BF16 x INT8, 1.25 ns": Case("stream-8x8-bf16-int8", FAST, 1250, None),
    "FP16 x FP16, 1.25 ns": Case("stream-8x8-fp16", FAST, 1250, None),
    "FP32 x FP32, 2.0 ns, broadcast 8": Case(
        "stream-8x8-fp32", {"multiply_stages": 2, "add_stages": 2, "broadcast": 8}, 2000, 4100
    ),
    "FP32 x INT8, 2.0 ns, broadcast 8": Case(
        "stream-8x8-int8", {"add_stages": 2, "broadcast": 8}, 2000, 2150
    ),
    "FP32 x FP32, 1.25 ns, broadcast 8": Case("stream-8x8-fp32", FAST | {"broadcast": 8}, 1250, 4650),
    "FP32 x INT8, 1.25 ns, broadcast 8": Case("stream-8x8-int8", FAST | {"broadcast": 8}, 1250, 2700),
    "engine-int8, 2.5 ns": Case("", {}, 2500, 145_000),
    "engine-int8, 600 MHz": Case("", {}, 1e6 / 600, 160_000),
}


def measure(case: Case, cells: Library, shown: Progress) -> list[tuple[float, Report]]:
    """Return the reports of one case, each with its share; an element is flat, its weight once.

    Of a segment of elements with one activation register the first has it: the share of that element and of
    those that follow it.
    """
    constraints = constrain(cells, case.period_ps)
    if not case.preset:
        engine = EngineConfig()
        return [(1.0, map_engine(engine, generate_engine(engine), Target(cells, constraints)))]
    config = load(case.preset, double_buffer=False, **case.fields)
    assert isinstance(config, SystolicConfig)
    design, together = generate(config), config.columns_per_register
    shares = {"processing_element": 1 / together, "following_element": 1 - 1 / together}
    return [
        (
            share,
            synthesise(
                design.verilog,
                f"{design.name}_{module}",
                cells,
                hierarchy="flat",
                constraints=constraints,
                origins=design.manifest["modules"],
                macs=1,
                progress=shown,
            ),
        )
        for module, share in shares.items()
        if share
    ]


def figure(name: str, case: Case, found: list[tuple[float, Report]], *, judged: bool) -> dict[str, Any]:
    """Return one measured figure as plain data: of several modules the mean area, the slowest clock."""
    area = sum(share * report.area for share, report in found)
    timings = [report.timing for _, report in found if report.timing]
    slowest = min(timings, key=lambda timing: timing.setup.slack_ps)
    met = slowest.met
    holds = [timing.hold.slack_ps for timing in timings if timing.hold]
    target = case.target if judged else None
    return {
        "name": name,
        "area": round(area, 1),
        "unit": found[0][1].unit,
        "frequency_mhz": round(slowest.frequency_mhz, 1),
        "clock_met": met,
        "hold_slack_ps": round(min(holds), 1) if holds else None,
        "target": target,
        "met": None if target is None else met and area <= target,
    }


@click.command(cls=Told)
@click.argument("liberty", type=click.Path(exists=True, path_type=Path))
@click.option("--only", type=click.Choice(list(CASES)), multiple=True, help="This case; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(liberty: Path, only: tuple[str, ...], as_json: bool) -> None:
    """Print area and clock of elements and of the engine in the library LIBERTY."""
    cells = library.load([liberty])
    figures = []
    for name in only or CASES:
        with step(name) as shown:
            found = measure(CASES[name], cells, Progress(shown))
        figures.append(figure(name, CASES[name], found, judged=cells.name == TARGETS_FOR))
    if as_json:
        print_json({"library": cells.name, "figures": figures})
        return
    words = {True: "met", False: "NOT met", None: ""}
    rows = [
        (
            one["name"],
            f"{one['area']:,.0f} {one['unit']}",
            f"{one['frequency_mhz']:.0f} MHz, {words[one['clock_met']]}",
            f"{one['hold_slack_ps']} ps",
            f"{one['target']:,.0f}" if one["target"] else "",
            words[one["met"]],
        )
        for one in figures
    ]
    headings = ("", "area", "clock", "hold slack", "target", "")
    print_table(f"Area and clock in {cells.name}", headings, rows)


if __name__ == "__main__":
    main()
