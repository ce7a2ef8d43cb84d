"""What an encoder has between its products, by the C library's functions, and where the cycles of all go.

Cycles are of models within 1 % of RTL, in place of the estimates in `encoder`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tileloom_golden.estimate.between import (
    normalise_cycles,
    rectify_beside_cycles,
    rectify_cycles,
    residual_cycles,
    softmax_beside_cycles,
    softmax_cycles,
)
from tileloom_golden.systolic.tiles import tile_grid

from .arrays import SIZES
from .encoder import SASP, Encoder, Means, Work, array_work, beside_work, block_work, host_array, weights_work

PARTS = (
    *("products of weights", "products of attention", "keys and values"),
    *("softmax", "activation", "normalisation", "residual sum"),
)
"""Of an encoder's cycles, products first; keys and values are quantised."""


def library_rest(encoder: Encoder, columns: int, means: Means = Means.INSTRUCTIONS) -> dict[str, Work]:
    """Return what each thing between products takes of one block, beside an array of so many columns.

    By the generator residual sums are what the array adds its products to; the core makes ReLU of one column
    of tiles while the array multiplies the next, and softmax of one head while it has products of others.
    """
    length, width, hidden = encoder.sequence, encoder.width, encoder.hidden
    scores, vectors = encoder.heads * length**2, length * width
    softmax = encoder.heads * softmax_cycles(length, length, columns=columns)
    normalise = 2 * normalise_cycles(length, width, columns=columns)
    rectify, residual = rectify_cycles, 2 * residual_cycles(length, width, columns=columns)
    if means is Means.GENERATOR:
        rectify, residual, softmax = rectify_beside_cycles, 0, _softmax_added(encoder, columns)
    return {
        # Scores are read three times and written twice, vectors read twice.
        "softmax": Work(softmax, accesses=5 * scores),
        "activation": Work(rectify(length, hidden, columns=columns), accesses=2 * length * hidden),
        "normalisation": Work(normalise, accesses=2 * 3 * vectors),
        "residual sum": Work(residual, accesses=2 * 3 * vectors if residual else 0),
    }


def _softmax_added(encoder: Encoder, size: int) -> int:
    """Return what softmax adds to attention's products.

    Beside that of each head are the scores of the next head and the context of the one before.
    """
    config, heads, length = host_array(size, "int8", Means.GENERATOR), encoder.heads, encoder.sequence
    scores, context = (each for each in encoder.products if not each.weights)
    cycles, commands = {}, {}
    for each in (scores, context):
        shape = tile_grid(each.k, each.n, size, size)
        cycles[each] = array_work(config, each.m, np.ones(shape, bool)).cycles
        commands[each] = math.prod(shape)
    whole = cycles[scores] + cycles[context]
    for head in range(heads):
        beside = [scores] * (head + 1 < heads) + [context] * (head > 0)
        tiles = sum(commands[each] for each in beside)
        product = sum(cycles[each] for each in beside)
        rows = -(-length // tiles) if tiles else 0
        whole += (
            softmax_beside_cycles(product, tiles, length, length, columns=size, rows=rows)
            if tiles
            else softmax_cycles(length, length, columns=size)
        )
    return whole - heads * (cycles[scores] + cycles[context])


def parts_of(size: int, means: Means) -> dict[str, int]:
    """Return the cycles of each of `PARTS` of the paper's encoder with an array of INT8 weights."""
    config = host_array(size, "int8", means)
    beside = means is Means.GENERATOR
    products = block_work(SASP, config, {}, attention=True, beside=beside)
    computed = [each for each in SASP.products if not each.weights]
    work = [beside_work(SASP, config, each) if beside else weights_work(config, each) for each in computed]
    made = sum(each.times * its.cycles for each, its in zip(computed, work, strict=True))
    attention = sum(products[each.name].cycles for each in computed)
    whole = sum(each.cycles for each in products.values())
    once = dict(zip(PARTS, (whole - attention, attention - made, made), strict=False))
    once |= {name: work.cycles for name, work in library_rest(SASP, size, means).items()}
    return {name: SASP.blocks * cycles for name, cycles in once.items()}


def part_rows() -> list[dict[str, Any]]:
    """Return the parts by each means, for each size."""
    return [
        {"size": size, "means": means.value, "cycles": parts_of(size, means)}
        for means in Means
        for size in SIZES
    ]
