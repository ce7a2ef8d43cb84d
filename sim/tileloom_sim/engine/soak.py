"""Engines for a soak: every size, core, buffer and port, on random layers with resets and bus errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..soak import RandomRun

LAYERS = "20"
"""In a run; a design is built for them."""


def draw(rng: np.random.Generator) -> RandomRun:
    """Return a random run; some have no configuration."""
    source = ("engine-int8", "engine-int8-axi4", "engine-fp32", "engine-fp32-int8")[rng.integers(4)]
    systolic, axi4 = source.startswith("engine-fp32"), source.endswith("axi4") or not rng.integers(4)
    fields: dict[str, str] = {}

    def sometimes(**choices: Sequence[object]) -> None:
        for name, values in choices.items():
            if rng.integers(2):
                fields[name] = str(values[int(rng.integers(len(values)))])

    if axi4:
        fields["port"] = "axi4"
        sometimes(address_bits=(16, 20, 32, 40, 64), burst_beats=(1, 2, 4, 16))
    else:
        sometimes(drain_rows=(1, 2, 4), axi4_stream_names=("true", "false"))
    sides = (1, 2, 4, 8, 16) if axi4 else range(1, 10)
    sometimes(
        k=sides,
        n=sides,
        bus=(64, 128, 192, 256, 512),
        a_words=(16, 64, 256, 1024),
        acc_tiles=range(1, 20),
        weight_beats=(1, 2, 4, 16),
    )
    if systolic:
        floats = ("fp32", "bf16", "fp16", "fp8_e4m3")
        sometimes(
            activation=floats,
            weight=("int8", *floats),
            accumulator=("fp32", "bf16", "fp16"),
            rounding=("truncate", "nearest-even"),
            multiply_stages=(1, 2, 3),
            carry_save=("true", "false"),
            add_stages=(1, 2, 3, 4),
        )
    else:
        sometimes(
            m=(1, 2, 4, 8),
            requantise=("true", "false"),
            requantise_rounding=("half-away", "half-even"),
            result_zero_point=("true", "false"),
            product_register=("true", "false"),
            activation_mask=("true", "false"),
        )
    return RandomRun(source, fields, {"layers": LAYERS}, int(rng.integers(1 << 31)))


def compared(figures: Mapping[str, Any]) -> Mapping[str, int]:
    """Return what was compared in a run; layers given up by a bus error are counted too."""
    return {
        "results": figures["results_compared"],
        "layers": figures["layers"],
        "bus_errors": figures.get("bus_errors", 0),
    }
