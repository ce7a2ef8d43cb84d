"""What a layer takes on hardware of any family: cycles, bytes, transfers on its ports and actions inside.

Networks, the analytical model and `tileloom estimate` speak in it; each family's room beside this module has
the closed forms that make it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom_golden.engine.layer import Layer as Geometry


@dataclass(frozen=True)
class Cost:
    """What a layer takes on hardware.

    Attributes
    ----------
    cycles:
        Of all that the hardware runs for it, one after another.
    source:
        Where these are from: "exact", a closed form held to the RTL word for word, or "estimated".
    macs:
        Useful multiplications, those of tiles or blocks that are left out not among them.
    peak:
        Multiplications that the hardware can do in a cycle.
    weight_bytes, activation_bytes, result_bytes:
        That cross the hardware's ports, as often as they do; partial sums of both ways are results'.
    units, skipped:
        Tiles of an array, blocks of an engine, weights of an xDecimate layer, and those that take no cycle.
    transfers:
        By port: beats of a stream or a bus, words of a word port; of a core accesses of its data bus, by what
        lies there.
    actions:
        Inside, by name: registers and memories written and read, multiplications done.
    computing, loading:
        Cycles in which an array, or an engine's core, takes activations, and in which it takes weights; these
        may be the same ones. 0 of xDecimate.
    """

    cycles: int
    source: str
    macs: int
    peak: int
    weight_bytes: int
    activation_bytes: int
    result_bytes: int
    units: int
    skipped: int
    transfers: Mapping[str, int] = field(default_factory=dict)
    actions: Mapping[str, int] = field(default_factory=dict)
    computing: int = 0
    loading: int = 0

    @property
    def utilisation(self) -> float:
        """Share of the multipliers' cycles that did something useful."""
        return self.macs / (self.cycles * self.peak) if self.cycles else 0.0

    def figures(self) -> dict[str, Any]:
        """Return all of it as plain values by name."""
        return {
            "macs": self.macs,
            "cycles": self.cycles,
            "cycles_are": self.source,
            "utilisation": round(self.utilisation, 4),
            "bytes": self.bytes,
            "weight_bytes": self.weight_bytes,
            "activation_bytes": self.activation_bytes,
            "result_bytes": self.result_bytes,
            "units": self.units,
            "skipped": self.skipped,
            "transfers": dict(self.transfers),
            "actions": dict(self.actions),
        }

    @property
    def bytes(self) -> int:
        """All bytes moved."""
        return self.weight_bytes + self.activation_bytes + self.result_bytes


@dataclass(frozen=True, eq=False)
class Run:
    """Something that hardware computes for a layer.

    Attributes
    ----------
    geometry:
        A convolution or a product.
    kept:
        Which tiles or blocks of its weights, or which 1:M weights, are computed: along K x along N.
    times:
        How often, once for each image where these are not taken together.
    """

    geometry: Geometry
    kept: npt.NDArray[np.bool_]
    times: int


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return counts by name, added up."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def utilisation(costs: Iterable[Cost]) -> float:
    """Return the share of the multipliers' cycles that did something useful, of layers one after another."""
    layers = list(costs)
    able = sum(cost.cycles * cost.peak for cost in layers)
    return sum(cost.macs for cost in layers) / able if able else 0.0
