"""Checks of arguments: what every public function of the package does before it computes.

A message names the argument and the index of the first offending element.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .formats import Float, Integer

Words = npt.NDArray[np.uint64]
"""Bit patterns, one word to an element, always uint64 when they come out of this package."""


def first(mask: npt.NDArray[np.bool_]) -> str:
    """Return the index of the first True of a mask as text: "[3]", "[1, 0]", or "" for a scalar."""
    if mask.ndim == 0:
        return ""
    index = np.unravel_index(int(np.argmax(mask)), mask.shape)
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def refuse(mask: npt.NDArray[np.bool_], name: str, problem: str) -> None:
    """Raise ValueError that `name` has `problem` at the first True of a mask, if there is one."""
    if mask.any():
        raise ValueError(f"{name}{first(mask)} {problem}")


def check_integers(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Return an array of some integer dtype.

    Raises
    ------
    ValueError
        The dtype is not an integer.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {array.dtype}, not an integer one")
    return array


def check_ndim(array: npt.NDArray[Any], ndim: int, name: str) -> None:
    """Raise ValueError unless the array has so many dimensions."""
    if array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}, not {ndim} dimension{'s' if ndim > 1 else ''}")


def check_positive(value: int, name: str) -> None:
    """Raise ValueError unless the value is an integer of at least 1."""
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}, not a positive integer")


def check_words(
    values: npt.ArrayLike, format: Float | Integer, name: str, *, infinity: bool = False
) -> Words:
    """Return words as uint64, of the same shape.

    Parameters
    ----------
    values:
        Words of any integer dtype and shape.
    format:
        What they are words of.
    name:
        What a message calls them.
    infinity:
        Whether infinity is allowed.

    Raises
    ------
    ValueError
        Not an integer dtype, not in 0 to 2**width - 1, NaN, or infinity where it is not allowed.
    """
    array = check_integers(values, name)
    if array.dtype.kind == "i":
        refuse(array < 0, name, f"is negative: words of {format} are unsigned bit patterns")
    words = array.astype(np.uint64, copy=False)
    if format.width < 64:
        refuse(words >> format.width != 0, name, f"does not fit the {format.width} bits of {format}")
    if isinstance(format, Float):
        magnitude = words & format.magnitude_mask
        if magnitude.size and magnitude.max() >= format.infinity:
            refuse(magnitude > format.infinity, name, f"is NaN in {format}")
            if not infinity:
                refuse(magnitude == format.infinity, name, f"is infinity in {format}")
    return words
