"""``tileloom paper sasp fig8``: error rates over the share of tiles pruned, from files of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table
from tileloom.files import claim

from ..kept import json_files
from . import error_chart
from .arrays import SIZES, WEIGHTS
from .quality import SHARES, SUMS, Quality, read_quality

PAPER_SHARE, PAPER_WORSE = 0.20, 0.014
"""The paper's headline: with so many tiles pruned, INT8 weights, its word error rate is so much higher."""

PUBLISHED_BUDGET, PUBLISHED_SHARES = 0.10, (0.15, 0.40)
"""An error a tenth higher allows from so many tiles at 32 x 32 to so many at 4 x 4, without training again:
Rouas et al., "Structured pruning for efficient systolic array accelerated cascade Speech-to-Text
Translation", Interspeech 2025, of speech."""


@click.command("fig8", short_help="Error rates over tiles pruned, by size and weights.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw them to this file, too.")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def fig8_command(paths: Sequence[Path], svg: Path | None, force: bool, as_json: bool) -> None:
    """Print error rates over the share of tiles pruned, by size of the array and weights (Fig. 8).

    FILE is what examples/pruned_text.py or examples/pruned_digits.py wrote, or a folder of such files.

    \b
    Examples:
      tileloom paper sasp fig8 docs/sasp
      tileloom paper sasp fig8 docs/sasp/text.json --svg errors.svg
    """
    files = json_files(paths)
    outputs = claim({"--svg": svg}, inputs=files, force=force)
    measured = [read_quality(file) for file in files]
    if svg:
        outputs.write({svg: error_chart.draw(measured)})
    if as_json:
        print_json([to_json(each) for each in measured])
        return
    for each in measured:
        print_quality(each)
    low, high = PUBLISHED_SHARES
    note(
        f"The paper: {PAPER_SHARE:.0%} pruned with INT8 weights cost {PAPER_WORSE:.1%} of word error rate. "
        f"An error a tenth higher, its authors say elsewhere, allows {low:.0%} (32x32) to {high:.0%} (4x4)."
    )


def within_budget(quality: Quality, size: int, weights: str, budget: float, epochs: int = 0) -> float | None:
    """Return the largest share pruned up to which the error is at most by the share ``budget`` worse.

    None where nothing was measured.
    """
    whole = quality.error(size, weights, 0.0, epochs=epochs)
    return None if whole is None else within(quality, size, weights, whole * (1 + budget), epochs)


def within(quality: Quality, size: int, weights: str, limit: float, epochs: int = 0) -> float | None:
    """Return the largest share pruned up to which the error is at most ``limit``.

    Between shares that were measured the error is taken to be linear. None where nothing was measured, or
    the error is larger already with no tile pruned.
    """
    points = quality.curve(size, weights, epochs)
    if not points or points[0][0] > 0 or points[0][1] > limit:
        return None
    before = points[0]
    for share, error in points[1:]:
        if error > limit:
            return before[0] + (share - before[0]) * (limit - before[1]) / (error - before[1])
        before = share, error
    return before[0]


def rounding_costs(quality: Quality, weights: str) -> list[dict[str, Any]]:
    """Return, for each share at 8 x 8, the errors in either rounding and in float64, and answers changed."""
    rows = []
    for share in SHARES:
        found = {sums: quality.point(8, weights, share, sums) for sums in SUMS}
        if all(found.values()):
            errors = {sums: each.errors[quality.measure] for sums, each in found.items() if each}
            changed = {sums: each.changed for sums, each in found.items() if each and sums != "float64"}
            rows.append({"weights": weights, "share": share, "errors": errors, "changed": changed})
    return rows


def attention_costs(quality: Quality) -> list[dict[str, Any]]:
    """Return, for each size and share, the errors with attention's products in software and on the array."""
    rows = []
    for size, share in product(SIZES, SHARES):
        software, array = (quality.point(size, "int8", share, attention=each) for each in (False, True))
        if software and array:
            errors = {"software": software.errors[quality.measure], "array": array.errors[quality.measure]}
            rows.append({"size": size, "share": share, "errors": errors, "changed": array.changed})
    return rows


def to_json(quality: Quality) -> dict[str, Any]:
    """Return a network's figures as plain data."""
    epochs = sorted({0, quality.epochs})
    rows = []
    for more, weights, size in product(epochs, WEIGHTS, SIZES):
        errors = {f"{share:g}": quality.error(size, weights, share, epochs=more) for share in SHARES}
        if any(error is not None for error in errors.values()):
            within = within_budget(quality, size, weights, PUBLISHED_BUDGET, more)
            row = {"size": size, "weights": weights, "epochs": more, "errors": errors}
            rows.append({**row, "within_a_tenth": within})
    return {
        "network": quality.network,
        "command": quality.command,
        "inputs": quality.inputs,
        "measure": quality.measure,
        "original": dict(quality.original),
        "rows": rows,
        "rounding": [row for weights in WEIGHTS for row in rounding_costs(quality, weights)],
        "attention": attention_costs(quality),
    }


def print_quality(quality: Quality) -> None:
    """Print a network's tables."""
    name = f"{quality.network}; {quality.inputs:,} inputs; {quality.measure}"
    cells = []
    figures = to_json(quality)
    for row in figures["rows"]:
        errors = ["-" if error is None else f"{error:.2%}" for error in row["errors"].values()]
        share = row["within_a_tenth"]
        more = str(row["epochs"])
        cells.append(
            (
                f"{row['size']}x{row['size']}",
                row["weights"].upper(),
                *([more] if quality.epochs else []),
                *errors,
                "-" if share is None else f"{share:.0%}",
            )
        )
    shares = [f"{share:.0%}" for share in SHARES]
    more_headings = ["epochs"] if quality.epochs else []
    headings = ("size", "weights", *more_headings, *shares, "a tenth worse at")
    print_table(f"{name} by tiles pruned, truncation", headings, cells)
    note(f"As it was, in floats: {quality.original[quality.measure]:.2%}. Measured by: {quality.command}")
    if figures["rounding"]:
        print_table(
            "What rounding costs, 8x8",
            ("weights", "pruned", "truncation", "nearest", "float64", "answers changed", "by nearest"),
            [
                (
                    row["weights"].upper(),
                    f"{row['share']:.0%}",
                    *(f"{row['errors'][sums]:.2%}" for sums in SUMS),
                    *(str(row["changed"][sums]) for sums in ("truncate", "nearest-even")),
                )
                for row in figures["rounding"]
            ],
        )
    if figures["attention"]:
        print_table(
            "What attention's products on the array cost, K and V as INT8",
            ("size", "pruned", "software", "array", "answers changed"),
            [
                (
                    f"{row['size']}x{row['size']}",
                    f"{row['share']:.0%}",
                    *(f"{error:.2%}" for error in row["errors"].values()),
                    str(row["changed"]),
                )
                for row in figures["attention"]
            ],
        )
