"""Ready-made engines."""

from __future__ import annotations

from typing import Any

from ..families import Family, Preset
from .config import EngineConfig

_SYSTOLIC: dict[str, Any] = {"m": 1, "core": "systolic", "acc_tiles": 64, "bus": 256}

FAMILY = Family(
    name="engine",
    title="block-sparse tile engine",
    config=EngineConfig,
    presets={
        "engine-int8": Preset("4 x 8 x 8 INT8 MACs a cycle, streams, INT8 results", {}),
        "engine-int8-axi4": Preset("the same as an AXI4 master, by descriptors in memory", {"port": "axi4"}),
        "engine-int8-2x2": Preset(
            "2 x 2 of engine-int8, activations and weights broadcast", {"grid_rows": 2, "grid_columns": 2}
        ),
        "engine-int8-2x2-axi4": Preset(
            "2 x 2 of engine-int8 as one AXI4 master, by descriptors in memory",
            {"grid_rows": 2, "grid_columns": 2, "port": "axi4"},
        ),
        "engine-fp32": Preset(
            "core: an 8 x 8 systolic array, FP32 x FP32; streams", {**_SYSTOLIC, "weight": "fp32"}
        ),
        "engine-fp32-int8": Preset("the same, FP32 x INT8", {**_SYSTOLIC, "weight": "int8"}),
    },
)
