"""The points of layers on designs: shapes, dense and sparse, from closed forms and RTL; prepared networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tileloom.cli.console import note, step
from tileloom.config import Config
from tileloom.errors import ToolError
from tileloom_golden.engine.program import Layer

from ..cost import Run
from ..network.mapping import map_layer
from .designs import Setting, measured, point_of, sparse_mask
from .layers import Mask
from .point import Point, total


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
                    kept = sparse_mask(config, layer, sparsity, rng)
                    runs.append((config, layer, kept, point_of(config, setting, name, layer, kept)))
    points = []
    for config, layer, kept, point in runs:
        points.append(point)
        if measure:
            points.append(measured(config, point, layer, kept, seed))
    return points


def network_points(path: Path, configs: Sequence[Config], setting: Setting) -> list[Point]:
    """Return the layers of a prepared network, with the tiles or blocks that its weights have, as points.

    What is prepared around the hardware, such as channels that are there twice, is in cycles and bytes;
    dense-equivalent operations are the network's own. Layers all of whose weights are zero are told, and
    left out.

    Parameters
    ----------
    path:
        A file that ``tileloom network prepare`` wrote.
    configs, setting:
        The designs.

    Raises
    ------
    ToolError
        The extra ``network`` is not installed.
    UserError
        The file is none of these, or a design cannot take a layer.
    """
    try:
        from ..network.prepared import read_prepared
    except ImportError as error:
        raise ToolError(f"{error.name} is not installed: pip install 'tileloom[network]'") from None
    prepared = read_prepared(path)
    layers = prepared.network.layers
    points = []
    with step("Counting cycles and bytes") as shown:
        shown.show(total=len(configs) * len(layers))
        for design, config in enumerate(configs):
            for number, layer in enumerate(layers):
                shown.show(layer.name, completed=design * len(layers) + number)
                shape = layer.image_shape(prepared.shapes[layer.name])
                runs = map_layer(config, layer).runs(shape)
                if not any(run.kept.any() for run in runs):
                    note(f"{layer.name}: all weights are zero; no point")
                    continue
                points.append(_of_runs(config, setting, layer.name, runs, layer.macs(shape)))
    return points


def _of_runs(config: Config, setting: Setting, name: str, runs: Sequence[Run], macs: int) -> Point:
    """Return what an engine or an array does one after another for a layer as a point."""
    points = [point_of(config, setting, name, run.geometry, run.kept) for run in runs]
    counts = [point.counts for point, run in zip(points, runs, strict=True) for _ in range(run.times)]
    kept = sum(run.times * int(run.kept.sum()) for run in runs)
    tiles = sum(run.times * run.kept.size for run in runs)
    source = "exact" if all(point.source == "exact" for point in points) else "estimated"
    return replace(points[0], sparsity=1 - kept / tiles, source=source, counts=total(counts, macs))
