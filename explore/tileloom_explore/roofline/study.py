"""The points of some layers on some designs, dense and sparse, from closed forms and from RTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tileloom.cli.console import step
from tileloom.config import Config
from tileloom_golden.engine.program import Layer

from .designs import Setting, mask_shape, measured, point_of
from .layers import Mask, random_mask
from .point import Point


def points_of(
    configs: Sequence[Config],
    setting: Setting,
    layers: Mapping[str, Layer],
    sparsities: Sequence[float],
    *,
    measure: bool = False,
    seed: int = 0,
) -> list[Point]:
    """Return the points design by design, layer by layer; a measured one behind the same from closed forms.

    Parameters
    ----------
    configs, setting:
        The designs.
    layers:
        By name.
    sparsities:
        Shares of each layer's tiles or blocks that are left out, at random places.
    measure:
        Whether layers run in RTL, too.
    seed:
        Of places and of operands.

    Raises
    ------
    UserError
        A design cannot take a layer.
    CheckError, ToolError
        As ``tileloom.simulate``, with ``measure``.
    """
    runs: list[tuple[Config, Layer, Mask, Point]] = []
    with step("Counting cycles and bytes") as shown:
        shown.show(total=len(configs) * len(layers) * len(sparsities))
        for config in configs:
            for name, layer in layers.items():
                for sparsity in sparsities:
                    shown.show(name, completed=len(runs))
                    rng = np.random.default_rng([seed, len(runs)])
                    kept = random_mask(mask_shape(config, layer), sparsity, rng)
                    runs.append((config, layer, kept, point_of(config, setting, name, layer, kept)))
    points = []
    for config, layer, kept, point in runs:
        points.append(point)
        if measure:
            points.append(measured(config, point, layer, kept, seed))
    return points
