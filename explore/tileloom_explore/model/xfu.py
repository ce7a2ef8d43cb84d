"""A core with xDecimate as the model sees it: memory behind a bus, registers, multipliers, N:M skipping.

The kernel's product: lines of activations, patches of im2col or the input, by rows of weights. Of 1:M weights
only those that are not zero lie in memory, with their offsets, and xDecimate loads the activations of these
alone: a feature. im2col's copies are no part of the product.
"""

from __future__ import annotations

from typing import Any

from tileloom.xfu.config import XfuConfig
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_golden.xfu.packing import offset_bits

from .architecture import Architecture, Compute, Feature, Level, Metadata
from .density import FixedStructured
from .evaluate import evaluate
from .formats import Format, Kind, Rank
from .mapping import Loops, Mapping
from .report import figures
from .specification import LayerSpecification
from .workload import Workload, parse_einsum

SKIPS = (("memory", "skip", "X"), ("registers", "skip", "Y"))
"""Where a weight is zero."""


def layer_of(config: XfuConfig, layer: KernelLayer) -> LayerSpecification:
    """Return a layer's product, rows and lengths filled up as the kernel has them."""
    group, lines = layer.group or 1, 2 if layer.kernel else 1
    sizes = {
        "p": layer.calls * lines,
        "o": layer.turns * layer.together,
        "k": 4 * layer.steps * group,
    }
    tensors, terms = parse_einsum("Y[p,o] = X[p,k] * W[o,k]", "xfu")
    sparse = layer.group is not None
    offsets = Format((Rank(Kind.U, None), Rank(Kind.CP, offset_bits(group)))) if sparse else Format(())
    architecture = Architecture(
        config.label,
        (
            Level(name="memory", word=8, metadata=Metadata(width=offset_bits(group) if sparse else 0)),
            Level(name="registers", word=32, fanout=8),
        ),
        Compute(name="multiply-add", zeros="skip"),
        tuple(Feature(*each, ("W",)) for each in SKIPS) if sparse else (),
        {("memory", "W"): offsets} if sparse else {},
    )
    # A register of weights serves both lines; one of activations all rows, where each row has all weights.
    rows, lined = ("o", layer.together), ("p", lines)
    inner = (("k", sizes["k"]), rows) if sparse else (("k", sizes["k"]),)
    mapping = Mapping(
        (
            Loops("memory", (("p", layer.calls), ("o", layer.turns))),
            Loops("registers", inner, (lined,) if sparse else (rows, lined), keep=("Y",)),
        )
    )
    density = {"W": FixedStructured(1 / group)} if sparse else {}
    return LayerSpecification(Workload("product", sizes, tensors, terms, density), architecture, mapping)


def kernel_figures(config: XfuConfig, layer: KernelLayer) -> dict[str, Any]:
    """Return ``report.figures`` of a layer's product."""
    found = layer_of(config, layer)
    assert found.mapping is not None
    return figures(evaluate(found.workload, found.architecture, found.mapping))
