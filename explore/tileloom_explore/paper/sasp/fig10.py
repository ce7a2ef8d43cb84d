"""``tileloom paper sasp fig10``: speed-up against size, as many tiles pruned as an error rate allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table
from tileloom.cli.options import Number
from tileloom.errors import UserError
from tileloom.files import claim

from . import published, speed_chart
from .arrays import SIZES, WEIGHTS
from .encoder import SOFTWARE
from .fig8 import within
from .quality import Quality, read_quality
from .run_time import run_time

WORSE = (0.0, 0.1, 0.25, 0.5)
"""By so much the error rates of the figure are above that of the network as it was."""


@click.command("fig10", short_help="Speed-up against size for fixed error rates.")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--error",
    "errors",
    type=Number(0, 10),
    multiple=True,
    metavar="RATE",
    help="An error rate, 0.1 for 10 %; may be repeated.  [default: the network's own, 10, 25 and 50 % above]",
)
@click.option(
    "--epochs", type=click.IntRange(0), default=0, show_default=True, help="Of training after pruning."
)
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw it to this file, too.")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def fig10_command(
    path: Path, errors: Sequence[float], epochs: int, svg: Path | None, force: bool, as_json: bool
) -> None:
    """Print the speed-up of SASP's encoder against the array's size for fixed error rates (Fig. 10).

    FILE is what examples/pruned_text.py or examples/pruned_digits.py wrote: as many of the encoder's
    feed-forward tiles are pruned as that network's error allows.

    \b
    Examples:
      tileloom paper sasp fig10 docs/sasp/text.json
      tileloom paper sasp fig10 docs/sasp/digits.json --epochs 3 --error 0.06 --error 0.08 --svg speed.svg
    """
    outputs = claim({"--svg": svg}, inputs=[path], force=force)
    quality = read_quality(path)
    limits = tuple(errors) or default_errors(quality, epochs)
    rows = measure_speed(quality, limits, epochs)
    if all(row["kept"] is None for row in rows):
        raise UserError(f"{path}: no array has such errors with {epochs} epochs")
    if svg:
        outputs.write({svg: speed_chart.draw(rows, quality.measure)})
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, quality, epochs)


def default_errors(quality: Quality, epochs: int) -> tuple[float, ...]:
    """Return the error rates of the figure: those above the largest with no tile pruned."""
    whole = [quality.error(size, weights, 0.0, epochs=epochs) for weights in WEIGHTS for size in SIZES]
    largest = max((each for each in whole if each is not None), default=quality.original[quality.measure])
    return tuple(largest * (1 + worse) for worse in WORSE)


def measure_speed(quality: Quality, limits: Sequence[float], epochs: int) -> list[dict[str, Any]]:
    """Return a row for each kind of weights, error rate and size.

    ``kept`` is None where the error is larger with no tile pruned.
    """
    rows = []
    for weights in WEIGHTS:
        for limit in limits:
            for size in SIZES:
                share = within(quality, size, weights, limit, epochs)
                kept = None if share is None else round(1 - share, 4)
                run = None if kept is None else run_time(weights, size, kept)
                over = {f"over_{each}": run and round(run.over(each), 3) for each in SOFTWARE}
                rows.append(
                    {"weights": weights, "error": round(limit, 6), "size": size, "kept": kept, **over}
                )
    return rows


def print_rows(rows: Sequence[dict[str, Any]], quality: Quality, epochs: int) -> None:
    """Print a row for each kind of weights and error rate."""
    cells = []
    for weights, limit in dict.fromkeys((row["weights"], row["error"]) for row in rows):
        own = {row["size"]: row for row in rows if (row["weights"], row["error"]) == (weights, limit)}
        told = [
            "-"
            if own[size]["kept"] is None
            else f"{own[size]['over_plain']:.2f} ({1 - own[size]['kept']:.0%})"
            for size in SIZES
        ]
        cells.append((weights.upper(), f"{limit:.2%}", *told))
    for weights in WEIGHTS:
        for name, figures in (("paper", published.SPEEDUP), ("paper, pruned", published.PRUNED)):
            cells.append((weights.upper(), name, *(f"{figures[weights][size]:.2f}" for size in SIZES)))
    sizes = [f"{size}x{size}" for size in SIZES]
    title = (
        f"Speed-up of SASP's encoder over the plain loop (tiles pruned), by {quality.measure} of the network"
    )
    print_table(title, ("weights", "error", *sizes), cells)
    after = f", {epochs} epochs of training after pruning" if epochs else ""
    note(f"Errors of {quality.network}{after}; run time of the paper's encoder by models within 1 % of RTL.")
    note("The paper's speed-ups are over its own core, and its errors those of speech.")
