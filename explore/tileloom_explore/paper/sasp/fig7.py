"""``tileloom paper sasp fig7``: time of each layer of a trained encoder at global pruning rates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table
from tileloom.cli.options import Number
from tileloom.files import claim

from ..kept import json_files
from . import layer_chart
from .arrays import SIZES, WEIGHTS
from .encoder import LAYERS, Encoder, Mask, Work, block_work, host_array, rest_work
from .layer_masks import LayerMasks, read_masks

RATES = (0.2, 0.4)
"""Of all feed-forward tiles, those that are pruned."""


@click.command("fig7", short_help="Time of each layer at global pruning rates, normalised.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--prune",
    "rates",
    type=Number(0, 1),
    multiple=True,
    metavar="SHARE",
    help="Of all feed-forward tiles; may be repeated.  [default: 0.2 and 0.4]",
)
@click.option(
    "--size",
    type=click.Choice([str(size) for size in SIZES]),
    default="8",
    show_default=True,
    help="Of the array.",
)
@click.option(
    "--weights", type=click.Choice(WEIGHTS), default="int8", show_default=True, help="Of the array."
)
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw them to this file, too.")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def fig7_command(
    paths: Sequence[Path],
    rates: Sequence[float],
    size: str,
    weights: str,
    svg: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print the time of each layer of a trained encoder, all its feed-forward tiles ranked together (Fig. 7).

    FILE is what examples/pruned_encoder.py wrote, or a folder of such files. Layers are those of its blocks,
    in cycles of CV32E40P with an array, over the cycles of the block with all tiles.

    \b
    Examples:
      tileloom paper sasp fig7 docs/sasp/layers
      tileloom paper sasp fig7 docs/sasp/layers/smart_turn.json --prune 0.5 --size 16 --svg layers.svg
    """
    files = json_files(paths)
    outputs = claim({"--svg": svg}, inputs=files, force=force)
    networks = [measure_blocks(read_masks(file), tuple(rates) or RATES, int(size), weights) for file in files]
    if svg:
        outputs.write({svg: layer_chart.draw(networks)})
    if as_json:
        print_json(networks)
        return
    for network in networks:
        print_blocks(network)
    note("By models within 1 % of RTL at single-cycle memory; what is no product is estimated.")


def measure_blocks(found: LayerMasks, rates: Sequence[float], size: int, weights: str) -> dict[str, Any]:
    """Return a network's rows: of each block cycles by layer and rate, 0 among them, and tiles kept."""
    encoder = found.encoder
    rows: list[dict[str, Any]] = [
        {"block": index + 1, "layers": {}, "kept": {}} for index in range(encoder.blocks)
    ]
    for rate in dict.fromkeys((0.0, *rates)):
        masks: list[dict[str, Mask]] = [{}] * encoder.blocks if rate == 0 else found.masks(size, rate)
        for row, mask in zip(rows, masks, strict=True):
            row["layers"][str(rate)] = layer_cycles(encoder, size, weights, mask)
            row["kept"][str(rate)] = {name: round(float(each.mean()), 4) for name, each in mask.items()}
    return {
        "network": found.network,
        "command": found.command,
        "size": size,
        "weights": weights,
        "blocks": rows,
    }


def layer_cycles(encoder: Encoder, size: int, weights: str, masks: dict[str, Mask]) -> dict[str, int]:
    """Return the cycles of a block's layers."""
    block = block_work(encoder, host_array(size, weights), masks)
    return {
        layer: (
            sum((block[each.name] for each in encoder.products if each.layer == layer), Work())
            + rest_work(encoder, layer)
        ).cycles
        for layer in LAYERS
    }


def print_blocks(network: dict[str, Any]) -> None:
    """Print a network's table: a row for each block, and one for all."""
    rates = list(network["blocks"][0]["layers"])
    cells = []
    blocks = [(str(row["block"]), row["layers"]) for row in network["blocks"]]
    together = {
        rate: {layer: sum(each[rate][layer] for _, each in blocks) for layer in LAYERS} for rate in rates
    }
    for index, (name, layers) in enumerate([*blocks, ("all", together)]):
        whole = sum(layers[rates[0]].values())
        kept = network["blocks"][index]["kept"] if index < len(blocks) else {rate: {} for rate in rates}
        told = []
        for rate in rates[1:]:
            told += [" ".join(f"{share:.0%}" for share in kept[rate].values())]
            told += [f"{layers[rate][LAYERS[1]] / whole:.3f}", f"{sum(layers[rate].values()) / whole:.3f}"]
        cells.append((name, *(f"{layers[rates[0]][layer] / whole:.3f}" for layer in LAYERS), *told))
    more = [f"{float(rate):.0%}: {text}" for rate in rates[1:] for text in ("tiles", LAYERS[1], "block")]
    array = f"{network['size']}x{network['size']} {network['weights'].upper()}"
    title = f"{network['network']}: time of its layers on {array} over the block's"
    print_table(title, ("block", *LAYERS, *more), cells)
    note(f"Tiles kept of both matrices at each rate: {network['command']}")
