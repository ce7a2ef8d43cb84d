"""A systolic array as the model sees it: weights stay in the elements, the host has everything else.

The host is the level outside; its accesses are words through the ports. Tiles of zeros are left out, which is
a feature: no weights, activations or results of such a tile are moved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.systolic.config import SystolicConfig

from ..cost import Run
from .architecture import Architecture, Compute, Feature, Level
from .density import ActualData
from .evaluate import evaluate
from .mapping import Loops, Mapping
from .report import figures
from .specification import LayerSpecification
from .workload import Workload, parse_einsum


def layer_of(
    config: SystolicConfig, vectors: int, k: int, n: int, kept: npt.NDArray[np.bool_] | None = None
) -> LayerSpecification:
    """Return Y = X W on an array: ``vectors`` x ``k`` activations, ``k`` x ``n`` weights.

    ``kept`` says which tiles of the weights are computed (tiles along K, tiles along N); None: all. What the
    edges cut short is filled up, as the hardware wants it.
    """
    rows, columns = config.rows, config.columns
    down, across = -(-k // rows), -(-n // columns)
    tensors, terms = parse_einsum("Y[m,n] = X[m,k] * W[k,n]", "systolic")
    sizes = {"m": vectors, "k": down * rows, "n": across * columns}
    # All of a tile moves or none: its zeros count as weights unless all of them are zero.
    density = {}
    if kept is not None:
        density["W"] = ActualData(np.repeat(np.repeat(kept, rows, axis=0), columns, axis=1))
    architecture = Architecture(
        config.label,
        (
            Level(name="host", word=config.activation.width, fanout=rows * columns),
            Level(name="element", word=config.weight.width, size=1 + config.double_buffer, fanout=1),
        ),
        Compute(name="multiply-add"),
        tuple(Feature("host", "skip", tensor, ("W",)) for tensor in ("X", "W", "Y")),
    )
    mapping = Mapping(
        (
            Loops("host", (("n", across), ("k", down)), (("k", rows), ("n", columns))),
            Loops("element", (("m", vectors),), (), ("W",)),
        )
    )
    return LayerSpecification(
        Workload(f"{vectors}x{k}x{n}", sizes, tensors, terms, density), architecture, mapping
    )


def array_figures(config: SystolicConfig, run: Run) -> dict[str, Any]:
    """Return ``report.figures`` of a product, or of a convolution that is unrolled."""
    config.require_no_host("estimate")
    layer = run.geometry
    inner = layer.channels * layer.kernel[0] * layer.kernel[1]
    found = layer_of(config, layer.output[0] * layer.output[1], inner, layer.outputs, run.kept)
    assert found.mapping is not None
    return figures(evaluate(found.workload, found.architecture, found.mapping))
