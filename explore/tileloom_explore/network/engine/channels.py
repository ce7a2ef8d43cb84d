"""The numbers of output channels that an engine is given, in its words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom_golden.requantise import Requantisation


def of_channels(
    config: EngineConfig, bias: npt.NDArray[Any] | None, numbers: Requantisation | None
) -> dict[str, npt.NDArray[Any]]:
    """Return an output channel's numbers by name, in the words that the engine has of them.

    Parameters
    ----------
    config:
        The engine.
    bias:
        Of an engine that does not requantise: integers or float32; None for none.
    numbers:
        Of one that does, its bias among them.
    """
    if numbers is None:
        return (
            {} if bias is None else {"bias": bias.astype(np.float32 if bias.dtype.kind == "f" else np.int32)}
        )
    given: dict[str, npt.NDArray[Any]] = {
        "bias": numbers.bias.astype(np.int32),
        "scale": numbers.scale.astype(np.uint16),
        "shift": numbers.shift.astype(np.uint8),
    }
    if config.result_zero_point:
        given["zero_point"] = np.asarray(numbers.zero_point, np.int8)
    return given
