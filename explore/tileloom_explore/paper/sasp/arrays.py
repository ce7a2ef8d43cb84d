"""The arrays of the SASP paper: each size with each kind of weights."""

from __future__ import annotations

from typing import Any

from tileloom.families import load
from tileloom.systolic.config import SystolicConfig

SIZES = (4, 8, 16, 32)
"""Rows, and columns."""

WEIGHTS = ("fp32", "int8")
"""Of FP32 x FP32 elements, and of FP32 x INT8."""


def array(size: int, weights: str, **fields: Any) -> SystolicConfig:
    """Return the preset of a size and kind of weights, its fields but for these."""
    config = load(f"sasp-{size}x{size}-{weights}", **fields)
    assert isinstance(config, SystolicConfig)
    return config
