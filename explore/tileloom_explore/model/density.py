"""How non-zeros lie in a tensor: how often a tile is empty, and how many non-zeros it has.

A law is asked about many tiles at once: an array (..., ranks) of their extents, whole numbers, gives an array
(...). The laws are Sparseloop's (MICRO 2022, section 5.3.2): fixed-structured, uniform, banded, actual data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SMALL = np.cumsum(np.log(np.maximum(np.arange(257), 1)))


def log_factorial(n: npt.ArrayLike) -> Floats:
    """Return ln n! of whole numbers, from a table and by Stirling's series beyond it (relative 1e-15)."""
    n = np.asarray(n, np.float64)
    x = np.maximum(n, 256.0)
    series = x * np.log(x) - x + 0.5 * np.log(2 * math.pi * x) + 1 / (12 * x) - 1 / (360 * x**3)
    return np.where(n <= 256, _SMALL[np.minimum(n, 256).astype(np.int64)], series)


class Density(Protocol):
    """A law of one tensor's non-zeros."""

    @property
    def share(self) -> float:
        """Non-zeros over all words."""

    def empty(self, tile: Floats) -> Floats:
        """Return the probability that a tile has no non-zero."""

    def most(self, tile: Floats, confidence: float) -> Floats:
        """Return how many non-zeros a tile does not exceed with this probability."""

    def packed(self, tile: Floats, lanes: Floats) -> Floats:
        """Return the expected ceil(non-zeros / lanes): steps of so many lanes to pass a tile."""


def _words(tile: Floats) -> Floats:
    return np.prod(tile, axis=-1, dtype=np.float64)


@dataclass(frozen=True)
class FixedStructured:
    """As many non-zeros in every tile as its size allows: n d, or the whole numbers beside that.

    N:M sparsity, seen in tiles of M and larger.
    """

    share: float

    def empty(self, tile: Floats) -> Floats:
        """Return 1 - n d while a tile has less than one non-zero, else 0."""
        return np.maximum(0.0, 1 - _words(tile) * self.share)

    def most(self, tile: Floats, confidence: float) -> Floats:
        """Return n d, up."""
        return np.ceil(_words(tile) * self.share - 1e-9)

    def packed(self, tile: Floats, lanes: Floats) -> Floats:
        """Return the steps of floor and ceiling of n d, weighted by its fraction."""
        mean = _words(tile) * self.share
        low = np.floor(mean + 1e-9)
        part = np.clip(mean - low, 0, 1)
        return np.ceil(low / lanes) * (1 - part) + np.ceil((low + 1) / lanes) * part


@dataclass(frozen=True)
class Uniform:
    """Non-zeros anywhere with equal probability: the occupancy of a tile is hypergeometric.

    Attributes
    ----------
    density:
        Asked for; of ``words`` there are ``ceil(density words)`` non-zeros.
    words:
        Of the whole tensor.
    """

    density: float
    words: int

    @cached_property
    def nonzeros(self) -> int:
        """Non-zeros of the tensor."""
        return math.ceil(round(self.density * self.words, 9))

    @cached_property
    def share(self) -> float:
        """Non-zeros over all words."""
        return self.nonzeros / self.words

    def empty(self, tile: Floats) -> Floats:
        """Return C(N - n, r) / C(N, r)."""
        n = np.minimum(_words(tile), self.words)
        left = self.words - n - self.nonzeros
        some, others = log_factorial(np.stack([self.words - n, np.maximum(left, 0)]))
        log = some + self._logs[0] - others - self._logs[1]
        one = 1 - self.share  # of one word the quotient is known without logarithms
        return np.where(n == 1, one, np.where(left < 0, 0.0, np.exp(log)))

    @cached_property
    def _logs(self) -> Floats:
        """Logarithms of the factorials of the zeros, and of all words."""
        return log_factorial([self.words - self.nonzeros, self.words])

    def most(self, tile: Floats, confidence: float) -> Floats:
        """Return the quantile; at confidence 1 the largest occupancy there can be."""
        n = np.minimum(_words(tile), self.words)
        if confidence >= 1:
            return np.minimum(n, self.nonzeros)
        return self._each(
            n, lambda low, mass: low + int(np.searchsorted(np.cumsum(mass), confidence - 1e-12))
        )

    def packed(self, tile: Floats, lanes: Floats) -> Floats:
        """Return the expectation over the hypergeometric law."""
        n = np.minimum(_words(tile), self.words)
        wide = np.broadcast_to(lanes, n.shape)
        result = np.empty(n.shape)
        for count in np.unique(wide):
            here = wide == count

            def steps(low: int, mass: Floats, by: int = int(count)) -> float:
                return float(mass @ np.ceil((low + np.arange(mass.size)) / by))

            result[here] = self._each(n[here], steps)
        return result

    def _each(self, n: Floats, of: Callable[[int, Floats], float]) -> Floats:
        """Return ``of(least occupancy, probabilities from there on)`` for every size of a tile."""
        sizes, where = np.unique(n, return_inverse=True)
        values = [of(*self._mass(int(size))) for size in sizes]
        return np.array(values, np.float64)[where].reshape(n.shape)

    def _mass(self, n: int) -> tuple[int, Floats]:
        low, high = max(0, n - self.words + self.nonzeros), min(n, self.nonzeros)
        k = np.arange(low, high + 1)
        zeros = self.words - self.nonzeros
        log = log_factorial(self.nonzeros) - log_factorial(k) - log_factorial(self.nonzeros - k)
        log = log + log_factorial(zeros) - log_factorial(n - k) - log_factorial(zeros - n + k)
        log = log - float(log_factorial(self.words) - log_factorial(n) - log_factorial(self.words - n))
        return low, np.exp(log)


@dataclass(frozen=True, eq=False)
class ActualData:
    """The tensor itself: tiles lie on a grid of their own size from the origin.

    Attributes
    ----------
    nonzero:
        Where the tensor is not zero; one axis a rank.
    """

    nonzero: npt.NDArray[np.bool_]
    _found: dict[tuple[int, ...], Floats] = field(default_factory=dict, repr=False)

    @cached_property
    def share(self) -> float:
        """Non-zeros over all words."""
        return float(self.nonzero.mean())

    def counts(self, tile: tuple[int, ...]) -> Floats:
        """Return the non-zeros of every tile of this shape, in ascending order; those at the edge are cut."""
        if tile not in self._found:
            counts = self.nonzero.astype(np.int64)
            for axis, extent in enumerate(tile):
                counts = np.add.reduceat(counts, np.arange(0, counts.shape[axis], extent), axis=axis)
            self._found[tile] = np.sort(counts, axis=None).astype(np.float64)
        return self._found[tile]

    def empty(self, tile: Floats) -> Floats:
        """Return the share of tiles without a non-zero."""
        return self._each(tile, lambda counts: float(np.mean(counts == 0)))

    def most(self, tile: Floats, confidence: float) -> Floats:
        """Return the quantile over the tiles."""
        return self._each(
            tile, lambda counts: float(counts[max(0, math.ceil(confidence * counts.size - 1e-9) - 1)])
        )

    def packed(self, tile: Floats, lanes: Floats) -> Floats:
        """Return the mean over the tiles."""
        flat = tile.reshape(-1, tile.shape[-1])
        wide = np.broadcast_to(lanes, tile.shape[:-1]).reshape(-1)
        means = [
            np.ceil(self.counts(tuple(map(int, shape))) / by).mean()
            for shape, by in zip(flat, wide, strict=True)
        ]
        return np.array(means).reshape(tile.shape[:-1])

    def _each(self, tile: Floats, of: Callable[[Floats], float]) -> Floats:
        flat = tile.reshape(-1, tile.shape[-1])
        shapes, where = np.unique(flat, axis=0, return_inverse=True)
        values = [of(self.counts(tuple(map(int, shape)))) for shape in shapes]
        return np.array(values, np.float64)[where.reshape(-1)].reshape(tile.shape[:-1])


def banded(shape: tuple[int, ...], width: int) -> ActualData:
    """Return a matrix whose non-zeros are at most ``width`` columns from the diagonal."""
    rows, columns = (np.arange(size) for size in shape)
    return ActualData(np.abs(rows[:, None] - columns[None, :]) <= width)


DENSE = FixedStructured(1.0)
"""Of a tensor that has no zeros to speak of."""
