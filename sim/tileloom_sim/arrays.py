"""The one reader of the user's ``.npy`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError


def read_array(path: Path) -> npt.NDArray[Any]:
    """Return the array in an .npy file. Raises UserError where there is none."""
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, EOFError):
        raise UserError(f"{path}: not an .npy file of numbers; write it with numpy.save") from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: an archive of arrays; write one array with numpy.save")
    return array
