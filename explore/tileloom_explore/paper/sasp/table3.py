"""Speed-ups of SASP's Table III: its encoder on CV32E40P with each of its arrays, by models of cycles.

The encoder is the paper's (Palacios et al., "Systolic Arrays and Structured Pruning Co-design for Efficient
Transformers in Edge Systems"): 18 blocks, width 512, 4 heads, feed-forward 2048, a sequence of 128. Products
with weights go to the array. Those of two activations, scores and their use, go there too if its weights are
FP32, packed by the core first; an array with INT8 weights leaves them to software. The models are within 1 %
of RTL at single-cycle memory; packing, and what is no product, is estimated by instructions for each element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import numpy as np

from tileloom.cli.console import note, print_json, print_table
from tileloom.cli.options import Number
from tileloom.families import load
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.estimate.coprocessor import array_cycles
from tileloom_golden.estimate.software import blocked_cycles, plain_cycles
from tileloom_golden.systolic.tiles import tile_grid

from .arrays import SIZES, WEIGHTS

BLOCKS, WIDTH, HEADS, HIDDEN, SEQUENCE = 18, 512, 4, 2048, 128

PAPER = {
    "fp32": dict(zip(SIZES, (8.42, 19.79, 35.22, 50.95), strict=True)),
    "int8": dict(zip(SIZES, (8.03, 20.18, 36.53, 61.33), strict=True)),
}
"""The paper's speed-ups over its core alone, no tiles pruned (Table III)."""


@dataclass(frozen=True)
class Product:
    """A product of a block: its name, M x K x N, how often it comes, whether one side of it is weights."""

    name: str
    m: int
    k: int
    n: int
    times: int
    weights: bool = True

    @property
    def macs(self) -> int:
        """Multiplications, all times."""
        return self.times * self.m * self.k * self.n


PRODUCTS = (
    Product("projections", SEQUENCE, WIDTH, WIDTH, 4),
    Product("scores", SEQUENCE, WIDTH // HEADS, SEQUENCE, HEADS, weights=False),
    Product("context", SEQUENCE, SEQUENCE, WIDTH // HEADS, HEADS, weights=False),
    Product("feed-forward 1", SEQUENCE, WIDTH, HIDDEN, 1),
    Product("feed-forward 2", SEQUENCE, HIDDEN, WIDTH, 1),
)
"""Of one block, in order."""

PACKING = 4
"""Cycles to bring an activation to its place in a tile of weights: load, store, and pointers; estimated."""

OTHERS = (
    ("softmax", HEADS * SEQUENCE * SEQUENCE, 40),
    ("normalisation", 2 * SEQUENCE * WIDTH, 12),
    ("residual sums", 2 * SEQUENCE * WIDTH, 4),
    ("activation", SEQUENCE * HIDDEN, 4),
)
"""What else a block does: elements, and cycles for each, estimated by the instructions of a plain loop."""


@dataclass(frozen=True)
class Row:
    """The encoder with one array, or without: cycles by product and method, and of the rest."""

    weights: str
    size: int
    kept: float
    array: int
    blocked: int
    plain: int
    others: int

    def over(self, baseline: str) -> float:
        """Return the speed-up of the whole encoder over software alone."""
        return (getattr(self, baseline) + self.others) / (self.array + self.others)


def product_cycles(config: SystolicConfig, product: Product, kept: float, seed: int) -> int:
    """Return the cycles of a product on the array, all times, with this share of its tiles, at random."""
    tiles = tile_grid(product.k, product.n, config.rows, config.columns)
    chosen = np.zeros(tiles[0] * tiles[1], bool)
    count = round(kept * chosen.size)
    chosen[np.random.default_rng(seed).permutation(chosen.size)[:count]] = True
    once = array_cycles(
        chosen.reshape(tiles),
        product.m,
        steps=config.step_interval,
        columns=config.columns,
        weight_words=config.rows * -(-config.columns // config.weights_per_word),
    )
    return product.times * once


def software_cycles(product: Product, weights: str) -> tuple[int, int]:
    """Return the cycles of a product by software, all times: blocked and plain."""
    integers = weights == "int8" and product.weights
    shape = product.m, product.k, product.n
    blocked, plain = (model(*shape, integers=integers) for model in (blocked_cycles, plain_cycles))
    return product.times * blocked, product.times * plain


def measure_time(kept: float, seed: int) -> Iterator[Row]:
    """Yield the encoder's rows, for both kinds of weights and all sizes; ``kept``: feed-forward tiles."""
    others = BLOCKS * sum(elements * cycles for _, elements, cycles in OTHERS)
    for weights in WEIGHTS:
        software = {product: software_cycles(product, weights) for product in PRODUCTS}
        blocked, plain = (BLOCKS * sum(each[index] for each in software.values()) for index in (0, 1))
        for size in SIZES:
            config = load(f"sasp-{size}x{size}-{weights}", host="cv32e40p", double_buffer=True)
            assert isinstance(config, SystolicConfig)
            array = 0
            for index, product in enumerate(PRODUCTS):
                share = kept if product.name.startswith("feed-forward") else 1.0
                if weights == "int8" and not product.weights:
                    array += software[product][0]
                    continue
                array += product_cycles(config, product, share, seed + index)
                array += 0 if product.weights else PACKING * product.times * product.k * product.n
            yield Row(weights, size, kept, BLOCKS * array, blocked, plain, others)


def to_json(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the table as plain data."""
    return [
        {
            "weights": row.weights,
            "size": row.size,
            "kept": row.kept,
            "cycles": {"array": row.array, "blocked": row.blocked, "plain": row.plain, "others": row.others},
            "over_blocked": round(row.over("blocked"), 3),
            "over_plain": round(row.over("plain"), 3),
            "paper": PAPER[row.weights][row.size],
        }
        for row in rows
    ]


def print_time(rows: list[Row]) -> None:
    """Print the table."""
    macs = BLOCKS * sum(product.macs for product in PRODUCTS)
    cells = [
        (
            f"{row.size}x{row.size} {row.weights.upper()}",
            f"{row.array / 1e6:,.0f}",
            f"{row.array / macs:.3f}",
            *(f"{getattr(row, method) / 1e6:,.0f}" for method in ("blocked", "plain", "others")),
            f"{row.over('blocked'):.2f}",
            f"{row.over('plain'):.2f}",
            f"{PAPER[row.weights][row.size]:.2f}",
        )
        for row in rows
    ]
    headings = (
        *("array", "Mcycles", "a MAC", "blocked", "plain", "others"),
        *("over blocked", "over plain", "paper"),
    )
    print_table(f"SASP's encoder on CV32E40P, {rows[0].kept:.0%} of feed-forward tiles", headings, cells)
    note("Mcycles of products, by models within 1 % of RTL at single-cycle memory; others: estimated.")
    note("The paper's speed-ups are over its own core, without pruning.")


@click.command("table3", short_help="Run time of the encoder with each array, and speed-ups.")
@click.option(
    "--kept",
    type=Number(0, 1, above=True),
    default=1.0,
    show_default=True,
    metavar="SHARE",
    help="Share of feed-forward tiles that are kept, drawn at random.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of --kept: replay."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def table3_command(kept: float, seed: int, as_json: bool) -> None:
    """Print the run time of the paper's encoder on CV32E40P with each array, and of software alone.

    Cycles are of models that are held to RTL; the speed-ups of Table III stand beside.

    \b
    Examples:
      tileloom paper sasp table3
      tileloom paper sasp table3 --kept 0.75
    """
    rows = list(measure_time(kept, seed))
    if as_json:
        print_json(to_json(rows))
    else:
        print_time(rows)
