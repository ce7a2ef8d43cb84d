"""What an encoder has between its products, by the C library's functions, and where the cycles of all go.

Cycles are of models within 1 % of RTL, in place of the estimates in `encoder`.
"""

from __future__ import annotations

from typing import Any

from tileloom_golden.estimate.between import (
    normalise_cycles,
    rectify_beside_cycles,
    rectify_cycles,
    residual_cycles,
    softmax_cycles,
)

from .arrays import SIZES
from .encoder import SASP, Encoder, Means, Work, beside_work, block_work, host_array, weights_work

PARTS = (
    *("products of weights", "products of attention", "keys and values"),
    *("softmax", "activation", "normalisation", "residual sum"),
)
"""Of an encoder's cycles, products first; keys and values are quantised."""


def library_rest(encoder: Encoder, columns: int, means: Means = Means.INSTRUCTIONS) -> dict[str, Work]:
    """Return what each thing between products takes of one block, beside an array of so many columns.

    By the generator residual sums are what the array adds its products to, and the core makes ReLU of one
    column of tiles while the array multiplies the next.
    """
    length, width, hidden = encoder.sequence, encoder.width, encoder.hidden
    scores, vectors = encoder.heads * length**2, length * width
    softmax = encoder.heads * softmax_cycles(length, length, columns=columns)
    normalise = 2 * normalise_cycles(length, width, columns=columns)
    rectify, residual = rectify_cycles, 2 * residual_cycles(length, width, columns=columns)
    if means is Means.GENERATOR:
        rectify, residual = rectify_beside_cycles, 0
    return {
        # Scores are read three times and written twice, vectors read twice.
        "softmax": Work(softmax, accesses=5 * scores),
        "activation": Work(rectify(length, hidden, columns=columns), accesses=2 * length * hidden),
        "normalisation": Work(normalise, accesses=2 * 3 * vectors),
        "residual sum": Work(residual, accesses=2 * 3 * vectors if residual else 0),
    }


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
