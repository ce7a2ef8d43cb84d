"""Layers on a RISC-V core with the xDecimate unit."""

from __future__ import annotations

from tileloom.xfu.config import XfuConfig

from .layer import Layer
from .mapping import Mapping, RefusedError


def map_layer(config: XfuConfig, layer: Layer) -> Mapping:
    """Return a layer on the core."""
    raise RefusedError(f"{layer.name}: not yet")
