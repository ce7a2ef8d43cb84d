"""``tileloom paper engine table1``: accuracies of networks with block masks, beside the paper's Table I."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import click

from tileloom.cli.console import Sheet, note, print_json

from .accuracy import PUBLISHED, PUBLISHED_BASELINE, RATIOS, SHAPES, Accuracy, read_accuracy
from .kept import json_files


@click.command("table1", short_help="Accuracies with block masks, beside the paper's.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def table1_command(paths: Sequence[Path], as_json: bool) -> None:
    """Print accuracies of networks that were trained on with blocks of their weights zero (Table I).

    FILE is what examples/masked_digits.py wrote, or a folder of such files.

    \b
    Example:
      tileloom paper engine table1 docs/blocks
    """
    paper = "The paper: ResNet-50 on 20 classes of ImageNet, its mask chosen once."
    print_measured(paths, to_json if as_json else None, sheets, paper)


def print_measured(
    paths: Sequence[Path],
    plain: Callable[[Accuracy], Mapping[str, Any]] | None,
    tables: Callable[[Accuracy], Sequence[Sheet]],
    paper: str,
) -> None:
    """Print what files and folders of accuracies have.

    With ``plain`` as JSON, that of each network; else ``tables`` of each, and what ``paper`` is measured on.
    """
    measured = [read_accuracy(file) for file in json_files(paths)]
    if plain:
        print_json([plain(each) for each in measured])
        return
    for each in measured:
        for sheet in tables(each):
            sheet.show()
        note(f"With all weights, before training on: {shares(each.baselines)}. Measured by: {each.command}")
    note(paper)


def shares(figures: tuple[float, ...]) -> str:
    """Return the mean, and behind it how far apart the seeds are."""
    apart = f" ({min(figures):.1%} to {max(figures):.1%})" if len(figures) > 1 else ""
    return f"{mean(figures):.1%}{apart}"


def sheets(accuracy: Accuracy) -> list[Sheet]:
    """Return the tables: accuracy by block and ratio beside the paper's, then measures and schedules."""
    title = f"{accuracy.network}: {accuracy.images:,} images, {len(accuracy.baselines)} seeds"
    rows: list[tuple[str, ...]] = [("none", "", "", shares(accuracy.again), "", f"{PUBLISHED_BASELINE:.1%}")]
    for shape in SHAPES:
        for ratio in RATIOS:
            found = {name: accuracy.of(shape, ratio, "l1", name, "once") for name in ("layer", "network")}
            if own := found["layer"]:
                both = shares(found["network"].accuracies) if found["network"] else ""
                paper = PUBLISHED.get((shape, ratio))
                cell = "" if paper is None else f"{paper:.1%}"
                row = (shape, f"{ratio:.0%}", shares(own.pruned), shares(own.accuracies), both, cell)
                rows.append(row)
    headings = ("block", "zero", "before training on", "each layer", "all layers ranked together", "paper")
    first = Sheet(title, headings, rows)
    ways = [
        (each.measure, each.ranking, each.schedule, shares(each.pruned), shares(each.accuracies))
        for each in accuracy.masked
        if (each.shape, each.ratio) == ("8x8", 0.5)
    ]
    second = Sheet(
        "8x8, half of the blocks zero: how they are chosen, and when",
        ("measure", "ranked in", "schedule", "before training on", "after"),
        ways,
    )
    return [first, second]


def to_json(accuracy: Accuracy) -> dict[str, Any]:
    """Return the figures as plain data, with the paper's."""
    paper = [
        {"shape": shape, "ratio": ratio, "accuracy": share} for (shape, ratio), share in PUBLISHED.items()
    ]
    return {**asdict(accuracy), "paper": {"baseline": PUBLISHED_BASELINE, "masked": paper}}
