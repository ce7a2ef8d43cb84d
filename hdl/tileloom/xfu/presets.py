"""Ready-made xDecimate units, for all group sizes."""

from __future__ import annotations

from ..families import Family, Preset
from .config import XfuConfig

FAMILY = Family(
    name="xfu",
    title="xDecimate unit",
    config=XfuConfig,
    presets={
        "xfu-cv-x-if": Preset("coprocessor for CV-X-IF; simulated on CV32E40X", {"host": "cv-x-if"}),
        "xfu-cv32e40p": Preset("CV32E40P with the unit in its pipeline", {"host": "cv32e40p"}),
        "xfu-picorv32": Preset(
            "coprocessor for PCPI with its own load port; simulated on PicoRV32", {"host": "pcpi"}
        ),
        "xfu-unit": Preset("the core-agnostic unit behind streams", {"host": "unit"}),
    },
)
