"""Cycles of a systolic array's configuration: the closed form with the array's own timing.

Networks, the analytical model and rooflines ask here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import timing
from tileloom_golden.estimate.systolic import cycles


def array_cycles(config: SystolicConfig, kept: npt.NDArray[np.bool_], vectors: int) -> int:
    """Return the cycles from reset to the last result of ``vectors`` times the tiles that are ``kept``."""
    config.require_no_host("count of cycles")
    figures = timing(config)
    return cycles(
        kept,
        vectors,
        interval=figures["cycles_per_vector"],
        latency=figures["latency_cycles"],
        released=figures["weights_released_after_cycles"],
        weight_transfers=figures["weight_transfers_per_tile"],
        double_buffer=config.double_buffer,
        psum_in=config.port is Port.STREAM,
    )
