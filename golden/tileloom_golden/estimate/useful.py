"""How many weights of a matrix lie in tiles or blocks that are computed."""

import numpy as np
import numpy.typing as npt


def useful_weights(kept: npt.NDArray[np.bool_], shape: tuple[int, int], size: tuple[int, int]) -> int:
    """Return the weights in units that are kept, what fills these up beyond the edges not counted.

    Parameters
    ----------
    kept:
        Which tiles or blocks are computed, along K x along N.
    shape:
        K x N of the weights.
    size:
        Of a unit, along K and along N.
    """
    k, n = (
        np.minimum(unit, total - unit * np.arange(count))
        for unit, total, count in zip(size, shape, kept.shape, strict=True)
    )
    return int(k @ kept.astype(np.int64) @ n)
