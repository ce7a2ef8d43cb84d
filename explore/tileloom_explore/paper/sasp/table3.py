"""``tileloom paper sasp table3``: area, speed-up, energy of the encoder with each array, beside the paper's.

Once with all tiles there, and once with a share of the feed-forward tiles pruned: the same for all arrays, or
what an error allows by what was measured of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json
from tileloom.cli.options import Number
from tileloom.errors import UserError

from . import encoder_tables, published
from .arrays import SIZES, WEIGHTS
from .encoder import SOFTWARE, Means
from .energy import Arrays, HostCore, memory_energy, read_arrays, read_core
from .fig8 import PUBLISHED_BUDGET, within_budget
from .quality import Quality, read_quality
from .run_time import Run, run_time, software

Kept = dict[tuple[str, int], float]
"""Share of the feed-forward tiles that is left, by weights and size."""


@dataclass(frozen=True)
class Row:
    """The encoder with one array: all tiles there, and pruned."""

    dense: Run
    pruned: Run | None
    other_means: Mapping[Means, tuple[Run, ...]]
    """Both with sums held in the array, and by an address generator beside it."""
    attention: tuple[Mapping[Means, Run], ...] = ()
    """Both with attention's products on an array of INT8 weights, by all means."""
    library: tuple[Mapping[Means, Run], ...] = ()
    """The same, and what is no product by the C library."""

    @property
    def gain(self) -> float:
        """Speed-up of the encoder by pruning."""
        return self.dense.whole.cycles / self.pruned.whole.cycles if self.pruned else 1.0

    @property
    def product_gain(self) -> float:
        """Speed-up of the products that are pruned."""
        return self.dense.feed_forward.cycles / self.pruned.feed_forward.cycles if self.pruned else 1.0


def measure_rows(kept: Kept, seed: int) -> list[Row]:
    """Return the table's rows, both kinds of weights and all sizes; those without a share are not pruned."""
    rows = []
    for weights in WEIGHTS:
        for size in SIZES:
            shares = [1.0, *([kept[weights, size]] if kept else [])]
            runs = [run_time(weights, size, share, seed) for share in shares]
            others = {
                means: tuple(run_time(weights, size, share, seed, means) for share in shares)
                for means in (Means.ACCUMULATORS, Means.GENERATOR)
            }
            more = [_with_attention(size, shares, seed, library=each) for each in (False, True)]
            own = more if weights == "int8" else []
            rows.append(Row(runs[0], runs[1] if kept else None, others, *own))
    return rows


def _with_attention(
    size: int, shares: Sequence[float], seed: int, *, library: bool
) -> tuple[Mapping[Means, Run], ...]:
    """Return for each share the run by each means, attention on the array."""
    more = {"attention": True, "library": library}
    return tuple(
        {means: run_time("int8", size, share, seed, means, **more) for means in Means} for share in shares
    )


def kept_within(quality: Quality, budget: float, epochs: int) -> Kept:
    """Return the share of tiles that is left where the error is a share ``budget`` higher than unpruned."""
    found = {}
    for weights in WEIGHTS:
        for size in SIZES:
            share = within_budget(quality, size, weights, budget, epochs)
            if share is None:
                raise UserError(f"--epochs: nothing was measured of {size} x {size} {weights} with {epochs}")
            found[weights, size] = round(1 - share, 4)
    return found


def to_json(rows: list[Row], arrays: Arrays | None, core: HostCore | None) -> list[dict[str, Any]]:
    """Return the table as plain data."""
    found = []
    for row in rows:
        weights, size = row.dense.weights, row.dense.size
        each: dict[str, Any] = {
            "weights": weights,
            "size": size,
            "cycles": {method: software(weights, method).cycles for method in SOFTWARE},
            "paper": {
                "speedup": published.SPEEDUP[weights][size],
                "pruned_speedup": published.PRUNED[weights][size],
                "energy_j": published.ENERGY[weights][size],
            },
            "dense": _plain(row.dense, arrays, core),
            **{
                f"by_{means}": [_plain(each, None, None) for each in runs]
                for means, runs in row.other_means.items()
            },
        }
        for name, shares in (("attention", row.attention), ("library", row.library)):
            if shares:
                each[name] = [
                    {f"by_{means}": _plain(run, None, None) for means, run in runs.items()} for runs in shares
                ]
        if row.pruned:
            each["pruned"] = _plain(row.pruned, arrays, core)
            each |= {"gain": round(row.gain, 4), "product_gain": round(row.product_gain, 4)}
        if arrays:
            each["area_um2"] = arrays.by[weights][size].area
        found.append(each)
    return found


def _plain(run: Run, arrays: Arrays | None, core: HostCore | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kept": run.kept,
        "cycles": {"array": run.array.cycles, "others": run.rest.cycles},
        **{f"over_{method}": round(run.over(method), 3) for method in SOFTWARE},
    }
    if arrays:
        measured = arrays.by[run.weights][run.size]
        found["seconds"] = measured.seconds(run.whole)
        found["energy_j"] = measured.energy(run.whole)
        found["gated_j"] = measured.gated(run.whole)
        found["memory_j"] = memory_energy(run.whole)
        if core:
            found["core_j"] = core.energy(run.whole.cycles, arrays.period, alone=False)
    return found


@click.command("table3", short_help="Area, speed-up and energy of the encoder with each array.")
@click.option(
    "--kept",
    type=Number(0, 1, above=True),
    metavar="SHARE",
    help="Share of feed-forward tiles that are kept, drawn at random.",
)
@click.option(
    "--quality",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep as many tiles as an error allows, by what examples/pruned_text.py or pruned_digits.py wrote.",
)
@click.option(
    "--budget",
    type=Number(0, 10),
    metavar="SHARE",
    help=f"Of --quality: how much higher the error may be.  [default: {PUBLISHED_BUDGET:g}]",
)
@click.option(
    "--epochs", type=click.IntRange(0), help="Of --quality: with so many of training.  [default: 0]"
)
@click.option(
    "--arrays",
    "arrays_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Area and energy too: what `fig6 --power --json` printed.",
)
@click.option(
    "--core",
    "core_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Of --arrays: the core's area and energy too, what `core --json` printed.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of the tiles: replay.  [default: 0]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def table3_command(
    kept: float | None,
    quality: Path | None,
    budget: float | None,
    epochs: int | None,
    arrays_file: Path | None,
    core_file: Path | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Print run time, area and energy of the paper's encoder on CV32E40P with each array, beside Table III.

    Cycles are of models that are held to RTL. With --kept or --quality pruned, too.

    \b
    Examples:
      tileloom paper sasp table3
      tileloom paper sasp table3 --kept 0.75
      tileloom paper sasp table3 --quality docs/sasp/text.json --arrays docs/sasp/arrays/nangate45.json
    """
    if core_file and not arrays_file:
        raise UserError("--core: is of --arrays")
    if kept is not None and quality is not None:
        raise UserError("--kept: not with --quality, which says how many tiles are kept")
    for value, name in ((budget, "--budget"), (epochs, "--epochs")):
        if value is not None and quality is None:
            raise UserError(f"{name}: is of --quality")
    if seed is not None and kept is None and quality is None:
        raise UserError("--seed: is of --kept or --quality; nothing else is drawn")
    shares: Kept = {}
    if kept is not None:
        shares = {(weights, size): kept for weights in WEIGHTS for size in SIZES}
    if quality is not None:
        allowed = PUBLISHED_BUDGET if budget is None else budget
        shares = kept_within(read_quality(quality), allowed, epochs or 0)
    arrays = read_arrays(arrays_file) if arrays_file else None
    core = read_core(core_file) if core_file else None
    rows = measure_rows(shares, seed or 0)
    if as_json:
        print_json(to_json(rows, arrays, core))
        return
    encoder_tables.print_speed([row.dense for row in rows])
    if shares:
        encoder_tables.print_pruned([(row.dense, row.pruned) for row in rows if row.pruned])
    for means in (Means.ACCUMULATORS, Means.GENERATOR):
        encoder_tables.print_means(means, [row.other_means[means] for row in rows])
    encoder_tables.print_attention(
        "INT8 with the products of attention on the array", [runs for row in rows for runs in row.attention]
    )
    encoder_tables.print_attention(
        "The same, and what is no product by the C library", [runs for row in rows for runs in row.library]
    )
    if arrays:
        encoder_tables.print_energy([(row.dense, row.pruned) for row in rows], arrays)
    if arrays and core:
        encoder_tables.print_system([row.dense for row in rows], arrays, core)
