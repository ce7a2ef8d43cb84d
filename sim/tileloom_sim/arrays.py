"""The one reader of ``.npy`` files: what a file holds is checked before memory is given to it.

The format is that of NumPy's ``numpy.lib.format``: a magic string, a header that is a Python literal, then
the elements.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

_LONGEST_HEADER = 10_000
_KINDS = {"f": "floating-point numbers", "i": "integers", "u": "integers", "b": "booleans"}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_INT64 = np.iinfo(np.int64)


def read_array(path: Path, *, floats: bool = True, dimensions: int | None = None) -> npt.NDArray[Any]:
    """Return the numbers in an ``.npy`` file, in the machine's byte order and C order.

    Parameters
    ----------
    path:
        The file.
    floats:
        Whether floating-point numbers are right, FP16 to FP64 and none of them NaN or infinite; integers
        from INT64 always are.
    dimensions:
        How many the array must have; None: any, one at least.

    Raises UserError with one line that names the file, the element where it is one, and what is right.
    """
    wanted = "integers or floating-point numbers" if floats else "integers"
    try:
        with path.open("rb") as file:
            array = _read(path, file, wanted, "iuf" if floats else "iu")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if dimensions not in (None, array.ndim):
        what = "a matrix" if dimensions == 2 else f"an array of {dimensions} dimensions"
        raise UserError(f"{path}: has shape {array.shape}; {what} is needed")
    check_values(str(path), array)
    return array


def check_values(name: str, array: npt.NDArray[Any]) -> None:
    """Raise UserError with ``name`` and the index of a number that is NaN, infinite or beyond INT64."""
    if array.dtype.kind == "f":
        _refuse(name, array, ~np.isfinite(array), "is {}; numbers that are finite are needed")
    if array.dtype.kind == "u" and array.dtype.itemsize == 8:
        _refuse(name, array, array > _INT64.max, f"is {{}}, beyond INT64; at most {_INT64.max} is possible")


def _read(path: Path, file: BinaryIO, wanted: str, kinds: str) -> npt.NDArray[Any]:
    """Return the array in an open file, its type and size checked against the header."""
    start = file.read(4)
    file.seek(0)
    if start in _ZIP:
        raise UserError(f"{path}: an archive of arrays (.npz); write one array with numpy.save")
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            read_header = np.lib.format.read_array_header_1_0
        elif version == (2, 0):
            read_header = np.lib.format.read_array_header_2_0
        else:
            raise UserError(f"{path}: version {version[0]}.{version[1]} of the format; 1.0 or 2.0 is needed")
        shape, fortran, dtype = read_header(file, max_header_size=_LONGEST_HEADER)
    except UserError:
        raise
    # What a broken header raises is not documented: it is evaluated as a Python literal.
    except Exception:
        raise UserError(f"{path}: not an .npy file of numbers; write it with numpy.save") from None
    if dtype.names is not None or dtype.subdtype is not None or dtype.kind not in kinds:
        kind = "a structure" if dtype.names or dtype.subdtype else _KINDS.get(dtype.kind, str(dtype))
        raise UserError(
            f"{path}: {dtype if len(str(dtype)) < 40 else kind} of shape {shape}; {wanted} are needed"
        )
    if dtype.kind == "f" and dtype.itemsize > 8:
        raise UserError(f"{path}: {dtype} of shape {shape}; floating-point numbers up to float64 are needed")
    if any(type(size) is not int or size < 0 for size in shape):
        raise UserError(f"{path}: its header has the shape {shape}; write it with numpy.save")
    if not shape or not math.prod(shape):
        raise UserError(f"{path}: has shape {shape}; an array with at least one element is needed")
    needed, there = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - file.tell()
    if needed != there:
        raise UserError(
            f"{path}: {there:,} bytes of elements; its header says shape {shape} of {dtype}, {needed:,} bytes"
        )
    array = np.fromfile(file, dtype).reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(array, dtype.newbyteorder("="))


def _refuse(name: str, array: npt.NDArray[Any], wrong: npt.NDArray[np.bool_], what: str) -> None:
    """Raise UserError with the first of the elements that are ``wrong``, if any is."""
    if wrong.any():
        place = tuple(int(index) for index in np.unravel_index(int(wrong.argmax()), wrong.shape))
        value = "NaN" if array[place] != array[place] else str(array[place])
        raise UserError(f"{name}: element [{', '.join(map(str, place))}] {what.format(value)}")
