"""What SASP's figure 8 is measured with: the ways of computing a network, and points of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from tileloom.families import load

from ...network.sweep import Variant
from .arrays import SIZES, WEIGHTS
from .quality import SHARES, SUMS, Point

Key = tuple[int, str, float, str, bool]
"""Size, weights, share of tiles pruned, sums and attention of a point."""


def grid() -> dict[Key, Variant]:
    """Return the paper's arrays at each share; 8 x 8 to nearest and in float64, INT8 with attention, too.

    Those that begin with the same results stand beside each other, as `sweep` wants them.
    """
    found = {}
    for sums in SUMS:
        for weights in WEIGHTS:
            for size in SIZES if sums == "truncate" else (8,):
                rounding = {"rounding": sums} if sums == "nearest-even" else {}
                config: Any = load(f"sasp-{size}x{size}-{weights}", **rounding)
                integers = weights == "int8" and sums == "truncate"
                for attention, share in product((False, True) if integers else (False,), SHARES):
                    variant = Variant(config, share, sums == "float64", attention)
                    found[size, weights, share, sums, attention] = variant
    return found


def points(
    answers: Mapping[Key, Sequence[Any]],
    errors: Callable[[Sequence[Any]], Mapping[str, float]],
    epochs: int = 0,
) -> list[Point]:
    """Return the points of answers, each rate rounded to 6 digits; `epochs` is the training after pruning."""
    found = []
    for (size, weights, share, sums, attention), given in answers.items():
        rates = {name: round(float(rate), 6) for name, rate in errors(given).items()}
        other = answers.get((size, weights, share, sums if attention else "float64", False))
        changed = None if other is None else sum(a != b for a, b in zip(given, other, strict=True))
        found.append(Point(size, weights, share, sums, epochs, rates, changed, attention))
    return found
