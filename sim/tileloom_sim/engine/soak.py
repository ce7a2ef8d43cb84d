"""Engines for a soak: every size, core, buffer and port, on random layers with resets and bus errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..soak import RandomRun, some_fields

LAYERS = "20"
"""In a run; a design is built for them."""

SOURCES = (
    "engine-int8",
    "engine-int8-axi4",
    "engine-int8-2x2",
    "engine-int8-2x2-axi4",
    "engine-fp32",
    "engine-fp32-int8",
)

_FLAGS = ("true", "false")
_FLOATS = ("fp32", "bf16", "fp16", "fp8_e4m3")
_AXI4: dict[str, Sequence[object]] = {
    "address_bits": (16, 20, 32, 40, 64),
    "burst_beats": (1, 2, 4, 16),
    "wrapper": ("axi4",),
}
_STREAM: dict[str, Sequence[object]] = {"drain_rows": (1, 2, 4), "axi4_stream_names": _FLAGS}
_BUFFERS: dict[str, Sequence[object]] = {
    "bus": (64, 128, 192, 256, 512),
    "a_words": (16, 64, 256, 1024),
    "acc_tiles": range(1, 20),
    "weight_beats": (1, 2, 4, 16),
}
_SYSTOLIC: dict[str, Sequence[object]] = {
    "activation": _FLOATS,
    "weight": ("int8", *_FLOATS),
    "accumulator": ("fp32", "bf16", "fp16"),
    "rounding": ("truncate", "nearest-even"),
    "multiply_stages": (1, 2, 3),
    "carry_save": _FLAGS,
    "add_stages": (1, 2, 3, 4, 5),
}
_DOT_PRODUCT: dict[str, Sequence[object]] = {
    "m": (1, 2, 4, 8),
    "requantise": _FLAGS,
    "requantise_rounding": ("half-away", "half-even"),
    "result_zero_point": _FLAGS,
    "product_register": _FLAGS,
    "activation_mask": _FLAGS,
}
_GRID: dict[str, Sequence[object]] = {
    "grid_rows": (1, 2, 3),
    "grid_columns": (1, 2, 3),
    "grid_tile_words": (0, 300, 4096),
}
"""What may be drawn of each field: of a port, of any engine, of a core, of a grid."""


def draw(rng: np.random.Generator) -> RandomRun:
    """Return a random run; some have no configuration."""
    source = SOURCES[rng.integers(len(SOURCES))]
    systolic, grid = source.startswith("engine-fp32"), "2x2" in source
    axi4 = source.endswith("axi4") or (not grid and not rng.integers(4))
    sides = (1, 2, 4, 8, 16) if axi4 else range(1, 10)
    choices: dict[str, Sequence[object]] = {
        **(_AXI4 if axi4 else _STREAM),
        "k": sides,
        "n": sides,
        **_BUFFERS,
        **(_SYSTOLIC if systolic else _DOT_PRODUCT),
        **(_GRID if grid else {}),
    }
    fields = {**({"port": "axi4"} if axi4 else {}), **some_fields(rng, choices)}
    return RandomRun(source, fields, {"layers": LAYERS}, int(rng.integers(1 << 31)))


def compared(figures: Mapping[str, Any]) -> Mapping[str, int]:
    """Return what was compared in a run; layers given up by a bus error are counted too."""
    return {
        "results": figures["results_compared"],
        "layers": figures["layers"],
        "bus_errors": figures.get("bus_errors", 0),
    }
