"""Accuracy of a run's outputs, and of the original network's beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from tileloom.errors import UserError

from .accuracy import Metric, load_metric, text_errors, top_1
from .host import Tensors


def score(
    outputs: Tensors,
    original: Tensors,
    labels: npt.NDArray[Any],
    metric: str | None = None,
    characters: Sequence[str] | None = None,
) -> dict[str, dict[str, float]]:
    """Return each measure of the hardware's outputs and of the original network's.

    Parameters
    ----------
    outputs, original:
        All inferences after one another; a network of one output passes that, one of several all by name.
    labels:
        That they are compared with.
    metric:
        The user's function, ``module:name``; None is top-1, or with characters error rates.
    characters:
        Of a CTC's classes: labels are texts.

    Raises
    ------
    UserError
        The function or the labels are wrong, or something else than it is asked for of several outputs.
    """
    if metric is None and len(outputs) > 1:
        raise UserError(
            f"--labels: accuracy is of one output, and there are {', '.join(outputs)}; give --metric"
        )
    measure: Metric = top_1
    if metric is not None:
        measure = load_metric(metric)
    elif characters is not None:
        measure = text_errors(characters)
    sides = {"hardware": outputs, "original": original}
    named: dict[str, dict[str, float]] = {}
    for side, each in sides.items():
        try:
            value: Any = measure(next(iter(each.values())) if len(each) == 1 else each, labels)
            figures = dict(value) if isinstance(value, Mapping) else {(metric or "top-1"): value}
            named[side] = {str(name): float(figure) for name, figure in figures.items()}
        except UserError:
            raise
        except Exception as error:  # whatever the user's function raises, or gives that is no number
            raise UserError(f"--metric {metric}: {type(error).__name__}: {error}") from None
    if named["hardware"].keys() != named["original"].keys():
        raise UserError(f"--metric {metric}: it names other figures of the hardware than of the original")
    return {name: {side: named[side][name] for side in sides} for name in named["hardware"]}
