"""The user's arrays by name, and how weights lie in them: said by the user, never guessed from a shape.

A square matrix the other way round, or a convolution's weights of 16 x 3 x 3 x 3, fit both ways and give
wrong results without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

from .arrays import check_values, read_array

Named = tuple[str, npt.NDArray[Any]]
"""An array, and what to call it in a message."""

MATRIX = ("KN", "NK")
"""Layouts of a matrix of weights: K inputs by N outputs, or N outputs by K inputs, as PyTorch has it."""

CONVOLUTION = ("OHWI", "OIHW")
"""Layouts of a convolution's weights: O outputs, I inputs, H x W the window. PyTorch and ONNX have OIHW."""


def named(given: Any, name: str, *, floats: bool = True) -> Named:
    """Return an array with ``name``; of a path, what the file holds, under the file's name.

    Raises UserError where it holds no numbers, or without ``floats`` no integers, and for a number that is
    NaN, infinite or beyond INT64.
    """
    if isinstance(given, str | Path):
        return str(given), read_array(Path(given), floats=floats)
    array = np.asarray(given)
    if array.dtype.kind not in ("iuf" if floats else "iu") or not array.size:
        wanted = "numbers" if floats else "integers"
        raise UserError(f"{name}: {array.dtype} of shape {array.shape}; {wanted} are needed, one at least")
    check_values(name, array)
    return name, array


def paths(*given: Any) -> list[str | Path]:
    """Return those of the user's arrays that are files."""
    return [each for each in given if isinstance(each, str | Path)]


def oriented(weights: Named, layout: str | None, layouts: tuple[str, ...]) -> Named:
    """Return weights, which lie as ``layout`` says, as the first fitting one of ``layouts`` has them.

    Raises UserError where the layout is not said, is not one of ``layouts``, or has other dimensions than the
    array.
    """
    name, array = weights
    fitting = [each for each in layouts if len(each) == array.ndim]
    if not fitting:
        raise UserError(f"{name}: has shape {array.shape}; weights are {' or '.join(map(_axes, layouts))}")
    if layout is None:
        raise UserError(f"--layout: say how {name} lies: {' or '.join(map(_axes, fitting))}")
    if layout not in fitting:
        raise UserError(f"--layout {layout}: {name} has {array.ndim} dimensions; give {' or '.join(fitting)}")
    return name, np.transpose(array, [layout.index(axis) for axis in fitting[0]])


def _axes(layout: str) -> str:
    return f"{layout} ({' x '.join(layout)})"
