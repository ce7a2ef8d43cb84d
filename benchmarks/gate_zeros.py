"""What ``gate_zeros`` costs in area and saves in energy, by the share of operands that are not zero.

Run: python benchmarks/gate_zeros.py LIBERTY [--fp32]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from tileloom.api import generate
from tileloom.cli.console import print_table
from tileloom.families import load
from tileloom_sim.systolic.operands import prepare
from tileloom_synth.constraints import constrain
from tileloom_synth.gates.flat import flatten
from tileloom_synth.library.standard_cells import load as load_library
from tileloom_synth.power.meter import Reading
from tileloom_synth.power.tables import LibraryUnits
from tileloom_synth.synthesis import synthesise
from tileloom_synth.systolic.activity import activity
from tileloom_synth.systolic.element_power import MODES, measure_element

DENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
CLOCK_PS = 2000
SEED = 7


@click.command()
@click.argument("liberty", type=click.Path(exists=True, path_type=Path))
@click.option("--fp32", is_flag=True, help="FP32 weights, stages 2 and 2, instead of INT8, 1 and 2.")
def main(liberty: Path, fp32: bool) -> None:
    """Print area and energy of an element with and without gate_zeros."""
    library = load_library([liberty])
    units = LibraryUnits.of(library)
    preset, stages = ("stream-8x8-fp32", 2) if fp32 else ("stream-8x8-int8", 1)
    elements: list[Any] = []
    areas = []
    for gate in (False, True):
        config: Any = load(preset, gate_zeros=gate, multiply_stages=stages, add_stages=2)
        design = generate(config)
        modules = design.manifest["modules"]
        top = f"{design.name}_processing_element"
        report = synthesise(
            design.verilog, top, library, constraints=constrain(library, CLOCK_PS), origins=modules
        )
        elements.append((config, flatten(report.mapped, library, modules)))
        leaks = _measured(*elements[-1], units, "both", 1.0, False).leaks
        met = str(report.timing and report.timing.met)
        areas.append((f"gate_zeros={gate}", f"{report.area:,.0f}", met, f"{leaks * 1e6:.0f}"))
    headings = ("", f"area, {library.area_unit}", "2 ns met", "leakage, uW")
    print_table(f"An element in {library.name}", headings, areas)
    rows = []
    for sparse in ("activations", "weights", "both"):
        for density in DENSITIES:
            cells = []
            for unit_delays in (False, True):
                readings = (_measured(*each, units, sparse, density, unit_delays) for each in elements)
                before, after = (reading.energy.total for reading in readings)
                cells += [f"{before * 1e12:.2f}", f"{after * 1e12:.2f}", f"{1 - after / before:+.1%}"]
            rows.append((sparse, f"{density:.0%}", *cells))
    columns = [
        f"{bound}{text}" for bound in ("zero delay", "unit delay") for text in (", pJ", ", gated", ": saves")
    ]
    print_table("Energy of a cycle", ("zeros in", "not zero", *columns), rows)


def _measured(
    config: Any, flat: Any, units: LibraryUnits, sparse: str, density: float, unit_delays: bool
) -> Reading:
    """Return the reading of an element that computes, with that share of operands not zero."""
    rng = np.random.default_rng(SEED)
    x, w = rng.normal(size=(64, 32)), rng.normal(size=(32, 32))
    if sparse != "weights":
        x[rng.random(x.shape) >= density] = 0
    if sparse != "activations":
        w[rng.random(w.shape) >= density] = 0
        w[0, 0] = 1  # a tile of zeros would be left out
    operands = prepare(config, ("activations", x), ("weights", w))
    seen = activity(config, operands, rng, 256)
    found = measure_element(config, flat, units, seen, rng, unit_delays=unit_delays, transfers=config.rows)
    return found[MODES[0]]


if __name__ == "__main__":
    main()
