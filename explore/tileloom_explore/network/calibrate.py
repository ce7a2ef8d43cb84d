"""Calibration: which range of real numbers the integers of an activation are to cover, seen from data.

An observer sees one batch after the other and keeps a histogram, no data. Its bins are as wide as a power of
two and begin at 0. Where a value is beyond them they become twice as wide, two neighbours one: nothing is
interpolated, and the order of the batches changes nothing.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.checks import refuse

from .affine import Affine, from_range

Method = Literal["min-max", "percentile", "mse"]

HALF = 4096
"""Bins on either side of 0."""

PERCENTILE = 99.99
"""Of the values, how many lie inside of the range by default."""

SHARES = tuple(float(2 ** (-step / 4)) for step in range(25))
"""Of the least and the greatest value, which are tried for the least mean squared error: 1 to 1/64."""


class Observer:
    """What an activation's values were, batch by batch.

    Attributes
    ----------
    least, greatest:
        Of all values.
    count:
        Of values.
    bins:
        int64, `2 * HALF`: how many values are in each bin, from `-HALF * width` on.
    width:
        Of a bin, a power of two; 0 while all values were 0.
    """

    def __init__(self) -> None:
        self.least, self.greatest, self.count = np.inf, -np.inf, 0
        self.bins = np.zeros(2 * HALF, np.int64)
        self.width = 0.0

    def observe(self, batch: npt.ArrayLike) -> None:
        """Take the values of a batch, any shape and number, floats or integers.

        Raises
        ------
        UserError
            A value is NaN or infinite; the message has its index.
        """
        values = np.asarray(batch, np.float64)
        try:
            refuse(~np.isfinite(values), "activation", "is NaN or infinite")
        except ValueError as error:
            raise UserError(str(error)) from None
        if not values.size:
            return
        self.least = min(self.least, float(values.min()))
        self.greatest = max(self.greatest, float(values.max()))
        self._widen(max(abs(self.least), abs(self.greatest)))
        self.count += values.size
        places = np.floor(values.ravel() / (self.width or 1.0)).astype(np.int64) + HALF
        self.bins += np.bincount(places, minlength=2 * HALF)

    def _widen(self, reach: float) -> None:
        """Make room for magnitudes up to `reach`."""
        if not reach:
            return
        # The power of two above it: `reach` itself is inside.
        needed = float(np.ldexp(1.0, int(np.frexp(reach)[1]))) / HALF
        if not self.width:
            self.width = needed
        while self.width < needed:
            pairs = self.bins.reshape(-1, 2).sum(axis=1)
            self.bins = np.pad(pairs, HALF // 2)
            self.width *= 2

    def range(
        self,
        method: Method = "min-max",
        *,
        percentile: float = PERCENTILE,
        bits: int = 8,
        symmetric: bool = False,
    ) -> tuple[float, float]:
        """Return the least and the greatest value that integers are to cover.

        Parameters
        ----------
        method:
            "min-max": all values. "percentile": that share of them, without the largest magnitudes
            (symmetric) or with as many missing below as above, to the width of a bin. "mse": of `SHARES` of
            both ends, where not symmetric of each alone, those of the least mean squared error of the
            integers, every value taken to be in the middle of its bin.
        percentile:
            Above 50, at most 100.
        bits, symmetric:
            Of the integers.

        Raises
        ------
        UserError
            No value was seen, or the method or percentile is none.
        """
        if method not in get_args(Method):
            raise UserError(f"calibration: must be {', '.join(get_args(Method))}, not {method!r}")
        if not 50 < percentile <= 100:
            raise UserError(f"percentile: must be above 50 and at most 100, not {percentile:g}")
        if not self.count:
            raise UserError("calibration: no data was seen")
        if method == "min-max" or not self.width:
            return self.least, self.greatest
        if method == "percentile":
            return self._percentile(percentile, symmetric=symmetric)
        return self._least_error(bits, symmetric=symmetric)

    def _percentile(self, percentile: float, *, symmetric: bool) -> tuple[float, float]:
        if symmetric:
            folded = self.bins[HALF:] + self.bins[:HALF][::-1]
            place = np.searchsorted(np.cumsum(folded), self.count * percentile / 100)
            reach = float(place + 1) * self.width
            return max(self.least, -reach), min(self.greatest, reach)
        outside = self.count * (1 - percentile / 100) / 2
        below, above = np.cumsum(self.bins), np.cumsum(self.bins[::-1])
        low = float(np.argmax(below > outside) - HALF) * self.width
        high = float(HALF - np.argmax(above > outside)) * self.width
        return max(self.least, low), min(self.greatest, high)

    def _least_error(self, bits: int, *, symmetric: bool) -> tuple[float, float]:
        used = np.flatnonzero(self.bins)
        middle = (used - HALF + 0.5) * self.width
        share = self.bins[used] / self.count

        def error(ends: tuple[float, float]) -> float:
            affine = from_range(*ends, bits=bits, symmetric=symmetric)
            return float(share @ (affine.dequantise(affine.quantise(middle)) - middle) ** 2)

        pairs = zip(SHARES, SHARES, strict=True) if symmetric else product(SHARES, SHARES)
        return min(((self.least * low, self.greatest * high) for low, high in pairs), key=error)


def affine_of(
    observer: Observer,
    method: Method = "min-max",
    *,
    bits: int = 8,
    signed: bool = True,
    symmetric: bool = False,
    **options: Any,
) -> Affine:
    """Return the integers that cover what an observer saw; `options` and errors as in `Observer.range`."""
    least, greatest = observer.range(method, bits=bits, symmetric=symmetric, **options)
    return from_range(least, greatest, bits=bits, signed=signed, symmetric=symmetric)
