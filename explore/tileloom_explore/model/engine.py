"""A block-sparse engine as the model sees it, part by part of a layer's program: a LOAD and its CONV.

```
 streams ---- X ----> A buffer ------------------------------> core, m lanes
         ---- W ----------------------------------------------> (a block stays)
         <--- Y --------------- accumulators <----------------
```

A word is what moves at once: a unit of X (k channels of a pixel), a block of W, a row of n sums of Y; a
compute is a unit times a block. Blocks of zeros are not in the stream, nor is anything done for them: these
are features. Where an engine has masks of activations, tiles of zeros are features, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.memory_map import kept_blocks
from tileloom_golden.engine.program import Conv, Load, Program
from tileloom_golden.engine.streams import to_blocks
from tileloom_sim.engine.layers import engine_size

from ..cost import Run
from .architecture import Architecture, Compute, Feature, Level
from .density import ActualData, Density
from .evaluate import evaluate
from .mapping import Loops, Mapping
from .report import figures, together
from .specification import LayerSpecification
from .workload import Workload, parse_einsum

EINSUM = "Y[n,p,q] = W[n,c,r,s] * X[c,{0}*p+r,{0}*q+s]"


def layers_of(
    config: EngineConfig,
    program: Program,
    kept: npt.NDArray[np.bool_],
    activations: npt.NDArray[Any] | None = None,
) -> Iterator[tuple[LayerSpecification, int]]:
    """Yield each part of a program as a layer, and how often it comes.

    ``kept`` and ``activations`` as in ``engine.traffic.engine_traffic``. Widths are filled up to whole tiles.
    """
    size, layer = program.size, program.layer
    runs, blocked = program.runs, None
    if activations is not None and config.activation_mask:
        runs = [(group, 1) for group in program.groups]
        blocked = to_blocks(np.reshape(activations, (layer.height, layer.width, layer.channels)), size.k) != 0
    for group, count in runs:
        for load, conv in group.parts:
            mask = kept_blocks(conv, kept)
            yield _part(config, load, conv, mask, blocked), count


def _part(
    config: EngineConfig,
    load: Load,
    conv: Conv,
    mask: npt.NDArray[np.bool_],
    blocked: npt.NDArray[np.bool_] | None,
) -> LayerSpecification:
    tensors, terms = parse_einsum(EINSUM.format(conv.stride), "engine")
    sizes = {"n": conv.columns, "p": conv.rows, "q": conv.tiles * config.m}
    sizes |= {"c": conv.blocks, "r": conv.kernel[0], "s": conv.kernel[1]}
    whole = np.broadcast_to(mask.T[:, :, None, None], (*mask.T.shape, *conv.kernel))
    density: dict[str, Density] = {"W": ActualData(whole)}
    features = [
        Feature("streams", "skip", "W", ("W",)),
        Feature("a_buffer", "skip", "X", ("W",)),
        Feature("accumulators", "skip", "Y", ("W",)),
    ]
    if blocked is not None and conv.masked:
        units = blocked[load.block :, load.y, load.x :][: load.blocks, : load.width].any(axis=2)
        tiles = np.pad(units, ((0, 0), (0, sizes["q"] - load.width)))
        tiles = tiles.reshape(load.blocks, -1, config.m).any(axis=2).repeat(config.m, axis=1)
        density["X"] = ActualData(tiles[:, None])
        features += [Feature("a_buffer", "skip", "X", ("X",)), Feature("accumulators", "skip", "Y", ("X",))]
    architecture = Architecture(
        config.label,
        (
            Level(name="streams", word=config.bus),
            Level(
                name="a_buffer",
                word=config.k * config.element_bits,
                size=2 * config.m * config.a_words,
                buffers=2,
            ),
            Level(
                name="accumulators",
                word=config.n * config.sum_bits,
                size=2 * config.m * config.acc_tiles,
                buffers=2,
            ),
            Level(name="core", word=config.k * config.n * config.weight_bits, size=1, fanout=config.m),
        ),
        Compute(name=f"{config.k} x {config.n} multiply-adds"),
        tuple(features),
    )
    mapping = Mapping(
        (
            Loops("streams"),
            Loops("a_buffer", (("n", conv.columns),), keep=("X",)),
            Loops("accumulators", (("c", conv.blocks), ("r", sizes["r"]), ("s", sizes["s"])), keep=("Y",)),
            Loops("core", (("p", conv.rows), ("q", conv.tiles)), (("q", config.m),), ("W",)),
        )
    )
    name = f"{conv.columns} columns, {conv.rows} x {conv.tiles} tiles"
    return LayerSpecification(Workload(name, sizes, tensors, terms, density), architecture, mapping)


def engine_figures(
    config: EngineConfig, run: Run, activations: npt.NDArray[Any] | None = None
) -> dict[str, Any]:
    """Return ``report.figures`` of all parts of a layer's program together.

    Raises
    ------
    ValueError
        The layer does not fit the engine's buffers or commands.
    """
    parts = []
    for layer, count in layers_of(
        config, compile_layer(run.geometry, engine_size(config)), run.kept, activations
    ):
        assert layer.mapping is not None
        parts.append((figures(evaluate(layer.workload, layer.architecture, layer.mapping)), count))
    return together(parts)
