"""The register map of an array as it was built: its description with the configuration's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..formats import Rounding
from ..registers.parameters import formats, version
from ..registers.table import elaborate
from .config import Port, SystolicConfig
from .timing import Timetable

if TYPE_CHECKING:
    from systemrdl.node import AddrmapNode

DESCRIPTION = Path(__file__).with_suffix(".rdl")


def register_map(config: SystolicConfig) -> AddrmapNode:
    """Return the map of an array with ``wrapper``. Raises ToolError as ``elaborate`` does."""
    return elaborate(DESCRIPTION, parameters(config))


def parameters(config: SystolicConfig) -> dict[str, int]:
    """Return the parameters of the description: sizes and formats, as ``docs/registers.md`` has them."""
    return {
        **version(),
        "ROWS": config.rows,
        "COLUMNS": config.columns,
        "NEAREST_EVEN": config.rounding is Rounding.NEAREST_EVEN,
        "DOUBLE_BUFFER": config.double_buffer,
        "CARRY_SAVE": bool(config.carry_save),
        "GATE_ZEROS": config.gate_zeros,
        "WORD_PORT": config.port is Port.WORD,
        "MULTIPLY_STAGES": config.multiply_stages,
        "ADD_STAGES": config.add_stages,
        "STEP_INTERVAL": config.step_interval,
        "BROADCAST": config.columns_per_register,
        "LATENCY_CYCLES": Timetable(config).latency,
        **formats(ACTIVATION=config.activation, WEIGHT=config.weight, SUM=config.accumulator),
    }
