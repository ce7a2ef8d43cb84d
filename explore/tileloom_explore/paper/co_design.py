"""Sparseloop's study of dataflow, skipping and sparsity together (MICRO 2022, Section 7.2).

A file has a dataflow with skipping at every level; without that of DRAM it is the other design.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

from ..model.density import Uniform
from ..model.evaluate import evaluate
from ..model.specification import LayerSpecification, read_specification
from .examples import folder

FILES = {"ReuseABZ": "reuse_abz", "ReuseAZ": "reuse_az"}
"""By dataflow: of A, B and Z on the chip, or of A and Z alone."""

SKIPPING = ("InnermostSkip", "HierarchicalSkip")
DENSITIES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)


def energy_delay(dataflow: str, skipping: str, density: float) -> float:
    """Return pJ times cycles of a product of two matrices of a density, on a design of the study."""
    layer = _design(dataflow, skipping)
    sizes = layer.workload.sizes
    densities = {"A": density, "B": density, "Z": 1 - (1 - density**2) ** sizes["k"]}
    laws = {
        tensor.name: Uniform(densities[tensor.name], math.prod(tensor.shape(sizes)))
        for tensor in layer.workload.tensors
    }
    assert layer.mapping is not None
    costs = evaluate(replace(layer.workload, density=laws), layer.architecture, layer.mapping).costs
    return float(costs.cycles[0] * costs.energy[0])


@cache
def _design(dataflow: str, skipping: str) -> LayerSpecification:
    (layer,) = read_specification(folder() / f"{FILES[dataflow]}.toml").layers
    if skipping == "HierarchicalSkip":
        return layer
    features = tuple(each for each in layer.architecture.features if each.level != "DRAM")
    return replace(layer, architecture=replace(layer.architecture, features=features))


def study() -> list[dict[str, Any]]:
    """Return the study over densities: energy-delay products over the best one's."""
    rows = []
    for density in DENSITIES:
        products = {
            f"{dataflow}.{skipping}": energy_delay(dataflow, skipping, density)
            for dataflow in FILES
            for skipping in SKIPPING
        }
        best = min(products, key=products.__getitem__)
        over = {name: product / products[best] for name, product in products.items()}
        rows.append({"density": density, "best": best, "over_best": over})
    return rows


def crossing() -> float:
    """Return the density above which keeping B on the chip is better than skipping it from DRAM on."""
    low, high = DENSITIES[0], DENSITIES[-1]
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        kept = energy_delay("ReuseABZ", "InnermostSkip", middle)
        if kept < energy_delay("ReuseAZ", "HierarchicalSkip", middle):
            high = middle
        else:
            low = middle
    return math.sqrt(low * high)
