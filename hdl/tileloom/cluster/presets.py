"""Ready-made clusters."""

from __future__ import annotations

from ..families import Family, Preset
from .config import ClusterConfig

FAMILY = Family(
    name="cluster",
    title="cluster",
    config=ClusterConfig,
    presets={
        "cluster-8": Preset("fabric of 8 cores: L1 of 128 kB in 16 banks, DMA, event unit", {}),
        "cluster-1": Preset("the same for one core", {"cores": 1}),
    },
)
