"""What SASP's figure 8 is measured with: the ways of computing a network, and points of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tileloom.families import load

from ...network.sweep import Variant
from .arrays import SIZES, WEIGHTS
from .quality import SHARES, SUMS, Point

Key = tuple[int, str, float, str]
"""Size, weights, share of tiles pruned and sums of a point."""


def grid() -> dict[Key, Variant]:
    """Return the paper's arrays at each share; 8 x 8 to nearest and in float64, too.

    Those that begin with the same results stand beside each other, as `sweep` wants them.
    """
    found = {}
    for sums in SUMS:
        for weights in WEIGHTS:
            for size in SIZES if sums == "truncate" else (8,):
                rounding = {"rounding": sums} if sums == "nearest-even" else {}
                config: Any = load(f"sasp-{size}x{size}-{weights}", **rounding)
                for share in SHARES:
                    found[size, weights, share, sums] = Variant(config, share, exact=sums == "float64")
    return found


def points(
    answers: Mapping[Key, Sequence[Any]],
    errors: Callable[[Sequence[Any]], Mapping[str, float]],
    epochs: int = 0,
) -> list[Point]:
    """Return the points of answers, each rate rounded to 6 digits; `epochs` is the training after pruning."""
    found = []
    for (size, weights, share, sums), given in answers.items():
        rates = {name: round(float(rate), 6) for name, rate in errors(given).items()}
        exact = answers.get((size, weights, share, "float64"))
        changed = None if exact is None else sum(a != b for a, b in zip(given, exact, strict=True))
        found.append(Point(size, weights, share, sums, epochs, rates, changed))
    return found
