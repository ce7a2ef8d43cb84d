"""xDecimate units for a soak: both hosts, every set of instructions, on the kernels with wait states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tileloom.xfu.config import GROUP_SIZES

from ..soak import RandomRun


def draw(rng: np.random.Generator) -> RandomRun:
    """Return a random run."""
    source = ("xfu-cv-x-if", "xfu-cv32e40p")[rng.integers(2)]
    chosen = [size for size in GROUP_SIZES if rng.integers(2)] or [GROUP_SIZES[rng.integers(3)]]
    fields = {"group_sizes": ",".join(map(str, chosen))}
    if source == "xfu-cv-x-if" and rng.integers(2):
        fields["precise_errors"] = "false"
    # A row of a kernel has whole groups of every size.
    options = {"convolution": str(16 * rng.integers(1, 4)), "connected": str(16 * rng.integers(1, 20))}
    options["rows"] = str(rng.integers(1, 9))
    for name in ("instruction-waits", "data-waits"):
        if rng.integers(2):
            options[name] = f"{rng.integers(4)}:{rng.integers(4)}"
    return RandomRun(source, fields, options, int(rng.integers(1 << 31)))


def compared(figures: Mapping[str, Any]) -> Mapping[str, int]:
    """Return what was compared in a run: every word of every layer and kernel."""
    return {
        "layers": len(figures["runs"]),
        "instructions": sum(run["instructions"] for run in figures["runs"]),
    }
