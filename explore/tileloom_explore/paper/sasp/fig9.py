"""``tileloom paper sasp fig9``: speed-up, error rate and area-energy product, with their Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table
from tileloom.errors import UserError
from tileloom.files import claim

from . import pareto_chart
from .arrays import SIZES, WEIGHTS
from .energy import KEYS, Arrays, read_arrays
from .pareto import front
from .quality import SHARES, Quality, read_quality
from .run_time import run_time


@click.command("fig9", short_help="Speed-up, error rate, area-energy product: Pareto front.")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--arrays",
    "arrays_file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Area and energy: what `fig6 --power --json` printed.",
)
@click.option(
    "--epochs", type=click.IntRange(0), default=0, show_default=True, help="Of training after pruning."
)
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw it to this file, too.")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def fig9_command(
    path: Path, arrays_file: Path, epochs: int, svg: Path | None, force: bool, as_json: bool
) -> None:
    """Print speed-up, error rate and area-energy product of each array at each share of tiles (Fig. 9).

    FILE is what examples/pruned_text.py or examples/pruned_digits.py wrote. The product is the array's area
    times its energy for the paper's encoder, without glitches. Designs of which no other is at least as good
    in all three are the Pareto front.

    \b
    Example:
      tileloom paper sasp fig9 docs/sasp/text.json --arrays docs/sasp/arrays/nangate45.json --svg front.svg
    """
    outputs = claim({"--svg": svg}, inputs=[path, arrays_file], force=force)
    quality, arrays = read_quality(path), read_arrays(arrays_file)
    rows = measure_designs(quality, arrays, epochs)
    if not rows:
        raise UserError(f"{path}: has no errors with {epochs} epochs")
    if svg:
        outputs.write({svg: pareto_chart.draw(rows, quality.measure)})
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, quality, arrays)


def measure_designs(quality: Quality, arrays: Arrays, epochs: int) -> list[dict[str, Any]]:
    """Return a row for each kind of weights, size and share; ``front``: on that of all three."""
    rows: list[dict[str, Any]] = []
    for weights in WEIGHTS:
        for size in SIZES:
            for share in SHARES:
                error = quality.error(size, weights, share, epochs=epochs)
                if error is None:
                    continue
                run = run_time(weights, size, round(1 - share, 4))
                measured = arrays.by[weights][size]
                energy = measured.energy(run.whole)
                rows.append(
                    {
                        "weights": weights,
                        "size": size,
                        "pruned": share,
                        "error": error,
                        "over_plain": round(run.over("plain"), 3),
                        "over_blocked": round(run.over("blocked"), 3),
                        "energy_j": energy,
                        "area_energy_mm2_j": {key: measured.area * 1e-6 * energy[key] for key in KEYS},
                    }
                )
    if rows:
        costs = [(-row["over_plain"], row["error"], row["area_energy_mm2_j"][KEYS[0]]) for row in rows]
        for row, on in zip(rows, front(costs).tolist(), strict=True):
            row["front"] = on
    return rows


def print_rows(rows: Sequence[dict[str, Any]], quality: Quality, arrays: Arrays) -> None:
    """Print the designs of the front, by speed-up."""
    chosen = sorted((row for row in rows if row["front"]), key=lambda row: float(row["over_plain"]))
    cells = [
        (
            f"{row['size']}x{row['size']} {row['weights'].upper()}",
            f"{row['pruned']:.0%}",
            f"{row['over_plain']:.2f}",
            f"{row['over_blocked']:.2f}",
            f"{row['error']:.2%}",
            *(f"{row['area_energy_mm2_j'][key]:.3g}" for key in KEYS),
        )
        for row in chosen
    ]
    products = [f"mm2 J, {key.replace('_', ' ')}" for key in KEYS]
    headings = ("array", "pruned", "over plain", "over blocked", quality.measure, *products)
    title = f"Pareto front of SASP's encoder in {arrays.library}: {len(chosen)} of {len(rows)} designs"
    print_table(title, headings, cells)
    note(f"Errors of {quality.network}; area and energy of the array alone, run time of the paper's encoder.")
    note("The front is by speed-up, error and the product without glitches (zero delay).")
