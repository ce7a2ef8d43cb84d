"""Checks of compressed sparse formats: pointers into a list of indices, by column or by row."""

import numpy as np
import numpy.typing as npt

from ..checks import check_integers, check_ndim


def check_indices(values: npt.ArrayLike, name: str) -> npt.NDArray[np.int64]:
    """Return a list of integers. Raises ValueError if it is not one."""
    array = check_integers(values, name)
    check_ndim(array, 1, name)
    return array.astype(np.int64)


def check_compressed(
    pointers: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int64],
    majors: int,
    minors: int,
    names: tuple[str, str, str],
) -> None:
    """Check a compressed format, sorted and without duplicates; a message names the first wrong entry.

    Parameters
    ----------
    pointers:
        Into indices, one for each major and one more.
    indices:
        Minors, ascending within a major.
    majors:
        How many.
    minors:
        How many.
    names:
        Of pointers, of indices, and of a major.

    Raises
    ------
    ValueError
        Pointers that do not rise from 0 to the number of indices, or an index that is out of range, twice in
        a major, or not in order.
    """
    pointer_name, index_name, major_name = names
    if len(pointers) != majors + 1:
        raise ValueError(f"{pointer_name} has {len(pointers)} entries, not {majors + 1}")
    if pointers[0] != 0:
        raise ValueError(f"{pointer_name}[0] is {pointers[0]}, not 0")
    if pointers[-1] != len(indices):
        raise ValueError(
            f"{pointer_name}[{majors}] is {pointers[-1]}, but {index_name} has {len(indices)} entries"
        )
    falling = np.diff(pointers) < 0
    if falling.any():
        entry = int(np.argmax(falling)) + 1
        raise ValueError(f"{pointer_name}[{entry}] is {pointers[entry]}, less than the one before it")
    outside = (indices < 0) | (indices >= minors)
    if outside.any():
        entry = int(np.argmax(outside))
        raise ValueError(f"{index_name}[{entry}] is {indices[entry]}, not 0 to {minors - 1}")
    major = np.repeat(np.arange(majors), np.diff(pointers))
    wrong = (np.diff(indices) <= 0) & (np.diff(major) == 0)
    if wrong.any():
        entry = int(np.argmax(wrong)) + 1
        what = "is there twice" if indices[entry] == indices[entry - 1] else "is not in ascending order"
        raise ValueError(f"{index_name}[{entry}] ({indices[entry]}, {major_name} {major[entry]}) {what}")
