"""The register map of an engine as it was built: its description with the configuration's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...registers.parameters import formats, version
from ...registers.table import elaborate
from ..config import Core, EngineConfig, RequantiseRounding
from ..skipped import skipped_bits

if TYPE_CHECKING:
    from systemrdl.node import AddrmapNode

DESCRIPTION = Path(__file__).with_suffix(".rdl")


def register_map(config: EngineConfig) -> AddrmapNode:
    """Return the map of an AXI4 engine with ``wrapper``. Raises ToolError as ``elaborate`` does."""
    return elaborate(DESCRIPTION, parameters(config))


def parameters(config: EngineConfig) -> dict[str, int]:
    """Return the parameters of the description: sizes and formats, as ``docs/registers.md`` has them."""
    systolic = config.core is Core.SYSTOLIC
    return {
        **version(),
        "M": config.m,
        "K": config.k,
        "N": config.n,
        "SYSTOLIC": systolic,
        "REQUANTISE": bool(config.requantise),
        "HALF_EVEN": config.requantise_rounding is RequantiseRounding.HALF_EVEN,
        "ZERO_POINT": bool(config.result_zero_point),
        "ACTIVATION_MASK": bool(config.activation_mask),
        "BUS_BITS": config.bus,
        "BURST_BEATS": config.burst_beats,
        "ADDRESS_BITS": config.address_bits,
        "A_WORDS": config.a_words,
        "ACC_TILES": config.acc_tiles,
        "WEIGHT_BEATS": config.weight_beats,
        "SKIPPED_BITS": skipped_bits(config),
        "GRID_ROWS": config.grid[0],
        "GRID_COLUMNS": config.grid[1],
        "GRID_TILE_WORDS": config.grid_tile_words or 0,
        **formats(
            ACTIVATION=config.activation or config.element_bits,
            WEIGHT=config.weight or config.weight_bits,
            SUM=config.accumulator or config.sum_bits,
            RESULT=config.accumulator or config.result_bits,
        ),
    }
