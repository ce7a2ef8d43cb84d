"""A user's data for a network: an ``.npz`` of arrays by the names of its inputs, for one inference or many.

The first axis counts: with an input of 1 x 3 x 32 x 32, an array of 500 x 3 x 32 x 32 is 500 inferences.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

from .network import Network

LABELS = "labels"
"""Name of the array that answers are compared with."""

NUMBERS = "an .npz file of arrays by name; write it with numpy.savez(X, input=...)"

Array = npt.NDArray[Any]


def read_archive(path: Path, what: str = NUMBERS) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` file. Raises UserError that it is not ``what`` where it is none."""
    try:
        # Opened here, since NumPy leaves a damaged file open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)  # of an .npy file it is an array
            if isinstance(archive, np.lib.npyio.NpzFile):
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or f'not {what}'}") from None
    except (ValueError, KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        pass
    raise UserError(f"{path}: not {what}")


def read_data(
    path: Path, network: Network, *, labels: bool = False
) -> tuple[list[dict[str, Array]], Array | None]:
    """Return inputs, an inference each, and the labels if they are asked for.

    Raises
    ------
    UserError
        The file, or the name, shape, dtype or a number of an array is not what the network takes; arrays hold
        different numbers of inferences.
    """
    arrays = read_archive(path)
    wanted = None if LABELS in network.inputs else arrays.pop(LABELS, None)
    if labels and wanted is None:
        raise UserError(f"{path}: {LABELS}: missing, to compare answers with; arrays: {', '.join(arrays)}")
    for name in arrays:
        if name not in network.inputs:
            raise UserError(f"{path}: {name}: no input of the network; inputs: {', '.join(network.inputs)}")
    counts = {}
    for name, (shape, dtype) in network.inputs.items():
        if name not in arrays:
            raise UserError(
                f"{path}: {name}: missing; the network has the inputs {', '.join(network.inputs)}"
            )
        arrays[name], counts[name] = _checked(path, name, arrays[name], shape, dtype)
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise UserError(f"{path}: inputs hold different numbers of inferences: {told}")
    return _split(arrays, network.inputs, max(counts.values())), wanted if labels else None


def _checked(path: Path, name: str, array: Array, shape: tuple[int, ...], dtype: str) -> tuple[Array, int]:
    """Return an input's array in the network's dtype, and how many inferences it holds."""
    shown = " x ".join(map(str, shape)) or "a scalar"
    rows = shape[0] if shape else 1
    fits = array.shape[1:] == shape[1:] and array.ndim == len(shape)
    if not fits or not array.size or (array.shape[0] if shape else 1) % rows:
        raise UserError(
            f"{path}: {name} has the shape {array.shape}; {shown} is needed, or more along the first"
        )
    kind = np.dtype(dtype).kind
    if array.dtype != dtype and not (kind == "f" and array.dtype.kind in "iuf"):
        raise UserError(f"{path}: {name} is {array.dtype}; {dtype} is needed")
    with np.errstate(over="ignore"):
        values = array.astype(dtype)
    if kind == "f" and not np.isfinite(values).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(values))[0]))
        raise UserError(f"{path}: {name}[{place}] is NaN, infinite or beyond {dtype}")
    return values, (array.shape[0] // rows if shape else 1)


def _split(
    arrays: Mapping[str, Array], inputs: Mapping[str, tuple[tuple[int, ...], str]], count: int
) -> list[dict[str, Array]]:
    def part(name: str, index: int) -> Array:
        shape = inputs[name][0]
        return arrays[name][index * shape[0] : (index + 1) * shape[0]] if shape else arrays[name]

    return [{name: part(name, index) for name in inputs} for index in range(count)]
