"""Arrays for a soak: every size, format, port and pipeline, on the random regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..soak import RandomRun, some_fields

LARGEST = 9
"""Rows and columns: larger arrays are slow to build, and have the same elements."""


def draw(rng: np.random.Generator) -> RandomRun:
    """Return a random run; some have no configuration."""
    exponent = int(rng.integers(2, 9))
    own = f"e{exponent}m{rng.integers(1, 24)}"
    floats = ("fp32", "fp16", "bf16", "tf32", "fp8_e4m3", "fp8_e5m2", own)
    integers = ("int8", "int8", "int4", f"int{rng.integers(2, 17)}")
    choices: dict[str, Sequence[object]] = {
        "activation": floats,
        "weight": (*floats, *integers, *integers),
        "accumulator": ("fp32", "fp32", *floats),
        "rounding": ("truncate", "nearest-even"),
        "step_interval": range(1, LARGEST),
        "double_buffer": ("true", "false"),
        "multiply_stages": (1, 2, 3),
        "carry_save": ("true", "false"),
        "add_stages": (1, 2, 3, 4, 5),
        "broadcast": range(1, LARGEST),
        "gate_zeros": ("true", "false"),
        "axi4_stream_names": ("true", "false"),
        "wrapper": ("axi4",),
    }
    sizes = {name: str(rng.integers(1, LARGEST + 1)) for name in ("rows", "columns")}
    fields = some_fields(rng, choices)
    source = ("sasp-4x4-fp32", "stream-8x8-fp32")[rng.integers(2)]
    return RandomRun(source, {**sizes, **fields}, {}, int(rng.integers(1 << 31)))


def compared(figures: Mapping[str, Any]) -> Mapping[str, int]:
    """Return what was compared in a run."""
    return {"transfers": figures["transfers_compared"]}
