"""Designs of which none other is at least as good in everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def front(costs: Sequence[Sequence[float]]) -> npt.NDArray[np.bool_]:
    """Return which points are on the Pareto front: points x costs, the lower the better.

    A point is not on it where another costs no more in anything, and less in something.
    """
    points = np.asarray(costs, float)
    no_more = (points[:, None] <= points[None]).all(axis=2)
    less = (points[:, None] < points[None]).any(axis=2)
    beaten: npt.NDArray[np.bool_] = np.logical_and(no_more, less)
    return np.array([not each.any() for each in beaten.T])
