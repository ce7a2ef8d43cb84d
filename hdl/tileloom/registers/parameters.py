"""Parameters of ``common.rdl``: what every family's map says of how its block was built."""

from __future__ import annotations

import importlib.metadata

from ..formats import FloatFormat, Format


def version() -> dict[str, int]:
    """Return MAJOR, MINOR and PATCH of the generator."""
    numbers = importlib.metadata.version("tileloom").split(".")[:3]
    return dict(zip(("MAJOR", "MINOR", "PATCH"), map(int, numbers), strict=True))


def formats(**kinds: Format | int) -> dict[str, int]:
    """Return NAME_BITS and NAME_EXPONENT for each NAME; a number stands for an integer of so many bits."""
    found = {}
    for name, kind in kinds.items():
        found[f"{name}_BITS"] = kind if isinstance(kind, int) else kind.width
        found[f"{name}_EXPONENT"] = kind.exponent_bits if isinstance(kind, FloatFormat) else 0
    return found
