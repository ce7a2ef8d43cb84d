"""What the SASP paper gives in Table III, and what follows from it."""

from __future__ import annotations

from .arrays import SIZES, WEIGHTS

Figures = dict[str, dict[int, float]]
"""By weights and size."""


def _by_size(fp32: tuple[float, ...], int8: tuple[float, ...]) -> Figures:
    return {
        weights: dict(zip(SIZES, each, strict=True))
        for weights, each in zip(WEIGHTS, (fp32, int8), strict=True)
    }


SPEEDUP = _by_size((8.42, 19.79, 35.22, 50.95), (8.03, 20.18, 36.53, 61.33))
"""Of the encoder over the core alone, no tiles pruned."""

PRUNED = _by_size((10.56, 25.01, 42.21, 60.91), (10.08, 24.23, 43.74, 73.25))
"""The same with as many tiles pruned as the error allows."""

ENERGY = _by_size((1.60, 3.09, 6.37, 15.32), (1.24, 2.67, 4.57, 10.64))
"""J of the encoder, no tiles pruned.

Times the speed-up, and by element, it is the same for all sizes within a tenth: so it is the array's power
times the run time, with neither core nor memory.
"""


def power(weights: str, size: int) -> float:
    """Return what follows for the power of an array: J of its energy times its speed-up, by element.

    It is power times the run time of the core alone, which the paper does not give.
    """
    return ENERGY[weights][size] * SPEEDUP[weights][size] / size**2


def power_saving(size: int) -> float:
    """Return how much less power INT8 weights follow to take, 0 to 1."""
    return 1 - power("int8", size) / power("fp32", size)
