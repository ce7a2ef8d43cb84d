"""Accuracy of a run's outputs, and of the original network's beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from tileloom.errors import UserError

from .accuracy import Metric, load_metric, top_1
from .host import Tensors


def score(
    outputs: Tensors, original: Tensors, labels: npt.NDArray[Any], metric: str | None = None
) -> dict[str, dict[str, float]]:
    """Return each measure of the hardware's outputs and of the original network's.

    Parameters
    ----------
    outputs, original:
        All inferences after one another; a network of one output passes that, one of several all by name.
    labels:
        That they are compared with.
    metric:
        The user's function, ``module:name``; None is top-1.

    Raises
    ------
    UserError
        The function or the labels are wrong, or top-1 is asked for of several outputs.
    """
    if metric is None and len(outputs) > 1:
        raise UserError(
            f"--labels: top-1 is of one output, and there are {', '.join(outputs)}; give --metric"
        )
    measure: Metric = top_1 if metric is None else load_metric(metric)
    sides = {"hardware": outputs, "original": original}
    found = {
        name: measure(next(iter(each.values())) if len(each) == 1 else each, labels)
        for name, each in sides.items()
    }
    named = {
        side: dict(value) if isinstance(value, Mapping) else {(metric or "top-1"): value}
        for side, value in found.items()
    }
    return {name: {side: float(named[side][name]) for side in sides} for name in named["hardware"]}
