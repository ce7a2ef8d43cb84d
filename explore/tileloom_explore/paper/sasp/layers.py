"""``tileloom paper sasp layers``: cycles of attention and feed-forward layers, and against tiles kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.errors import UserError
from tileloom_golden.systolic.tiles import tile_grid

from .arrays import SIZES, WEIGHTS
from .between import PARTS, part_rows
from .encoder import (
    LAYERS,
    SASP,
    SOFTWARE,
    Means,
    Work,
    array_work,
    block_work,
    drawn_mask,
    host_array,
    rest_work,
    software_work,
)
from .small_layers import SMALL, measure_layers

MODELLED = {"array": Means.INSTRUCTIONS, "accumulators": Means.ACCUMULATORS}
"""By what means the models say how long layers take, by the name in JSON."""

KEPT = (0.9, 0.8, 0.75, 0.6, 0.5, 0.4)
"""Shares of tiles at which run time is held to be proportional to them."""


@click.command("layers", short_help="Cycles of the encoder's layers; with --simulate smaller ones in RTL.")
@click.option(
    "--simulate", is_flag=True, help="Run a small encoder's layers through RTL: minutes for each array."
)
@click.option(
    "--size",
    "sizes",
    type=click.Choice([str(size) for size in SIZES]),
    multiple=True,
    help="Of --simulate: which.",
)
@click.option("--weights", type=click.Choice(WEIGHTS), multiple=True, help="Of --simulate: which.")
@click.option(
    "--means",
    type=click.Choice([each.value for each in Means]),
    help="Of --simulate: how words get to the array and back.  [default: instructions]",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Of the matrices and tiles: replay.  [default: 0]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def layers_command(
    simulate: bool,
    sizes: Sequence[str],
    weights: Sequence[str],
    means: str | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Print the cycles of an attention and a feed-forward layer of the paper's encoder on CV32E40P.

    By the models, for each array, with and without sums held in it, and for software alone; and what the run
    time of pruned products is over the share of tiles kept. With --simulate, layers of an encoder 64 wide run
    through the RTL of core and array, each word compared with the golden model: their cycles beside the
    model's, with single-cycle memory and with caches, and the kinds of instructions.

    \b
    Examples:
      tileloom paper sasp layers
      tileloom paper sasp layers --simulate --size 8 --weights int8
      tileloom paper sasp layers --simulate --size 8 --weights int8 --means accumulators
    """
    for given, name in ((sizes, "--size"), (weights, "--weights"), (means, "--means")):
        if given and not simulate:
            raise UserError(f"{name}: is of --simulate")
    chosen = seed or 0
    if not simulate:
        rows, kept = model_rows(), proportional_rows(chosen)
        if as_json:
            print_json({"layers": rows, "kept": kept, "parts": part_rows()})
        else:
            print_model(rows, kept)
            print_parts(part_rows())
        return
    arrays = [
        (kind, size) for kind in weights or WEIGHTS for size in SIZES if not sizes or str(size) in sizes
    ]
    with step("Running layers") as shown:
        found = measure_layers(arrays, Means(means or Means.INSTRUCTIONS), chosen, shown.show)
    if as_json:
        print_json(found)
    else:
        print_measured(found)


def model_rows() -> list[dict[str, Any]]:
    """Return cycles of a block's layers by the models, for each array and for software alone."""
    rows = []
    for weights in WEIGHTS:
        for layer in LAYERS:
            products = [each for each in SASP.products if each.layer == layer]
            others = rest_work(SASP, layer).cycles
            alone = {
                method: sum(software_work(each, weights, method).cycles for each in products)
                for method in SOFTWARE
            }
            cycles: dict[str, dict[str, int]] = {}
            for key, means in MODELLED.items():
                blocks = {size: block_work(SASP, host_array(size, weights, means), {}) for size in SIZES}
                cycles[key] = {
                    str(size): sum((block[each.name] for each in products), Work()).cycles
                    for size, block in blocks.items()
                }
            rows.append({"weights": weights, "layer": layer, **cycles, **alone, "others": others})
    return rows


def proportional_rows(seed: int) -> list[dict[str, Any]]:
    """Return the cycles of a block's feed-forward products over those of all tiles times the share kept."""
    rows = []
    pruned = [each for each in SASP.products if each.name.startswith("feed-forward")]
    for weights in WEIGHTS:
        for size in SIZES:
            config = host_array(size, weights)
            dense = 0
            cycles = dict.fromkeys(KEPT, 0)
            for index, each in enumerate(pruned):
                shape = tile_grid(each.k, each.n, size, size)
                dense += array_work(config, each.m, np.ones(shape, bool)).cycles
                for kept in KEPT:
                    mask = drawn_mask(config, each.k, each.n, kept, np.random.default_rng([seed, index]))
                    cycles[kept] += array_work(config, each.m, mask).cycles
            over = {str(kept): round(cycles[kept] / (kept * dense), 5) for kept in KEPT}
            rows.append({"weights": weights, "size": size, "cycles": dense, "over_proportional": over})
    return rows


def print_model(rows: Sequence[dict[str, Any]], kept: Sequence[dict[str, Any]]) -> None:
    """Print the tables of the models."""
    cells = [
        (
            f"{row['layer']}, {row['weights'].upper()}{held}",
            *(f"{row[key][str(size)] / 1e6:,.1f}" for size in SIZES),
            *(f"{row[method] / 1e6:,.1f}" for method in (*SOFTWARE, "others")),
        )
        for row in rows
        for key, held in zip(MODELLED, ("", ", sums held"), strict=True)
    ]
    sizes = [f"{size}x{size}" for size in SIZES]
    print_table(
        "Products of a layer of SASP's encoder, Mcycles", ("layer", *sizes, *SOFTWARE, "others"), cells
    )
    note("By models within 1 % of RTL at single-cycle memory; others, which come on top of each: estimated.")
    cells = [
        (
            f"{row['size']}x{row['size']} {row['weights'].upper()}",
            f"{row['cycles'] / 1e6:,.1f}",
            *(f"{row['over_proportional'][str(share)] - 1:+.2%}" for share in KEPT),
        )
        for row in kept
    ]
    title = "Feed-forward products: run time over that of all tiles times the share kept"
    print_table(title, ("array", "all, Mcycles", *(f"{share:.0%} kept" for share in KEPT)), cells)


def print_parts(rows: Sequence[dict[str, Any]]) -> None:
    """Print where the cycles of the whole encoder go, of arrays of INT8 weights."""
    cells = []
    for row in rows:
        whole = sum(row["cycles"].values())
        cells.append(
            (
                f"{row['size']}x{row['size']} INT8, {row['means']}",
                f"{whole / 1e6:,.0f}",
                *(f"{row['cycles'][part] / 1e6:,.1f} ({row['cycles'][part] / whole:.0%})" for part in PARTS),
            )
        )
    print_table("SASP's encoder with attention on the array, Mcycles", ("array", "all", *PARTS), cells)
    note("By models within 1 % of RTL, what is no product by the C library; keys and values: quantised.")


def print_measured(rows: Sequence[dict[str, Any]]) -> None:
    """Print the tables of what ran."""
    cells = []
    for row in rows:
        single, cached = row["cycles"]["single"], row["cycles"]["caches"]
        count = sum(row["mix"].values())
        mix = {**row["mix"], "branches": row["mix"]["branches"] + row["mix"]["jumps"]}
        cells.append(
            (
                f"{row['size']}x{row['size']} {row['weights'].upper()}, {row['layer']}",
                f"{single['array']:,}",
                f"{row['difference']:+.2%}",
                *(f"{mix[kind] / count:.1%}" for kind in ("loads", "stores", "branches", "others")),
                *(f"{single[method] / single['array']:.2f}" for method in SOFTWARE),
                f"{cached['array']:,}",
                *(f"{cached[method] / cached['array']:.2f}" for method in SOFTWARE),
            )
        )
    over = [f"over {method}" for method in SOFTWARE]
    headings = (
        *("layer", "cycles", "model", "loads", "stores", "branches", "others", *over),
        *("with caches", *over),
    )
    print_table(f"Layers of an encoder {SMALL.width} wide in RTL", headings, cells)
    note("Products alone, packed before; with INT8 weights scores and their use are of `blocked`,")
    note("and with all attention the array's, of keys and values that the core quantises in these cycles.")
