"""The layers of a small encoder through the RTL of CV32E40P and its array, beside what the models say.

Every word is compared with the golden model's. Where a layer has a product several times it runs once, and
counts so often. What is no product does not run, nor does the packing of activations as FP32 weights; making
INT8 weights of them does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tileloom.errors import CheckError
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.quantise import quantise_by_power
from tileloom_golden.systolic.tiles import tile_grid
from tileloom_sim.riscv.run import SASP_CACHES, Conditions
from tileloom_sim.systolic.computed import Singles, run_computed
from tileloom_sim.systolic.products import simulate_products
from tileloom_sim.systolic.reference import arithmetic
from tileloom_sim.systolic.software import EVENTS, GemmRun, Method, run_software

from .encoder import (
    ATTENTION,
    LAYERS,
    Encoder,
    Means,
    Product,
    array_work,
    host_array,
    software_work,
    weights_work,
)

SMALL = Encoder(blocks=1, width=64, heads=2, hidden=128, sequence=32)
"""What runs: the paper's proportions but for the length of the feed-forward layer."""

METHODS = ("array", "blocked", "plain")

ON_THE_ARRAY = f"all {ATTENTION}"
"""The layer with INT8 weights whose scores and their use are the array's, too."""


def measure_layers(
    arrays: Sequence[tuple[str, int]], means: Means, seed: int, show: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return a row for each array and layer of ``SMALL``: weights and size of the arrays are given.

    ``means`` is how words get to them and back.

    Each has cycles by method with single-cycle memory and with caches, what the model says for the array, and
    instructions of the array's program by kind.

    Raises CheckError where a word differs, ToolError where the core or the compiler is missing.
    """
    rows = []
    for weights, size in arrays:
        config = host_array(size, weights, means)
        for layer in (*LAYERS, *([ON_THE_ARRAY] if weights == "int8" else [])):
            rows.append(
                {"weights": weights, "size": size, "means": means.value, "layer": layer}
                | _layer(config, weights, layer, seed, show)
            )
    return rows


def _layer(
    config: SystolicConfig, weights: str, layer: str, seed: int, show: Callable[[str], None]
) -> dict[str, Any]:
    computed = layer == ON_THE_ARRAY
    products = [each for each in SMALL.products if each.layer == (ATTENTION if computed else layer)]
    on_array = [each for each in products if weights == "fp32" or each.weights]
    others = [each for each in products if each not in on_array]
    cycles: dict[str, Counter[str]] = {}
    kinds: Counter[str] = Counter()
    for memory in ("single", "caches"):
        show(f"{config.rows} x {config.columns} {weights}, {layer}, {memory}")
        total: Counter[str] = Counter()
        shapes = [(each.m, each.k, each.n) for each in on_array]
        result = simulate_products(config, shapes, seed=seed, caches=memory == "caches")
        for each, found in zip(on_array, result.figures["products"], strict=True):
            for method in METHODS:
                total[method] += each.times * found["methods"][method]["cycles"]
            if memory == "single":
                kinds.update(
                    {kind: each.times * count for kind, count in found["methods"]["array"]["mix"].items()}
                )
        for each in others:
            counted = kinds if memory == "single" else Counter()
            conditions = Conditions(caches=SASP_CACHES) if memory == "caches" else Conditions()
            _by_software(each, seed, conditions, total, counted, computed)
            if computed:
                _of_activations(config, each, seed, conditions, total, counted)
        cycles[memory] = total
    model = sum(_model(config, each, each in on_array, computed) for each in products)
    return {
        "cycles": {memory: dict(total) for memory, total in cycles.items()},
        "model": model,
        "difference": round(model / cycles["single"]["array"] - 1, 5),
        "mix": dict(kinds),
    }


def _operands(product: Product, seed: int) -> tuple[Singles, Singles]:
    random = np.random.default_rng(seed)
    shapes = (product.m, product.k), (product.k, product.n)
    x, w = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    return x, w


def _by_software(
    product: Product,
    seed: int,
    conditions: Conditions,
    total: Counter[str],
    kinds: Counter[str],
    computed: bool,
) -> None:
    """Count a product of two activations by software, which an array of integers leaves to it or not."""
    for method in (Method.BLOCKED, Method.PLAIN):
        run = run_software(method, *_operands(product, seed), conditions=conditions)
        total[method] += product.times * run.cycles
        if method is Method.BLOCKED and not computed:
            total["array"] += product.times * run.cycles
            _count(product, run, kinds)


def _of_activations(
    config: SystolicConfig,
    product: Product,
    seed: int,
    conditions: Conditions,
    total: Counter[str],
    kinds: Counter[str],
) -> None:
    """Count a product of two activations by the array, the right one quantised by the core."""
    x, w = _operands(product, seed)
    matrix = np.ascontiguousarray(w.T) if product.turned else w
    found = run_computed(config, x, matrix, turned=product.turned, conditions=conditions)
    made = quantise_by_power(w)
    weights = sign_magnitude(made.integers)
    wanted = gemm(
        x.view(np.uint32),
        weights,
        rows=config.rows,
        columns=config.columns,
        host_adds_tiles=True,
        **arithmetic(config),
    )
    if found.power != made.scale or (found.product.results != wanted).any():
        raise CheckError(f"{product.name}, quantised by the core: not the golden model's words")
    total["array"] += product.times * found.product.cycles
    _count(product, found.product, kinds)


def _count(product: Product, run: GemmRun, kinds: Counter[str]) -> None:
    counted = {kind: run.events[kind] for kind in EVENTS if kind != "load_stalls"}
    counted["others"] = run.instructions - sum(counted.values())
    kinds.update({kind: product.times * count for kind, count in counted.items()})


def _model(config: SystolicConfig, product: Product, on_array: bool, computed: bool) -> int:
    if not on_array and not computed:
        return software_work(product, "fp32").cycles
    everything = np.ones(tile_grid(product.k, product.n, config.rows, config.columns), bool)
    made = 0 if on_array else weights_work(config, product).cycles
    return product.times * (made + array_work(config, product.m, everything).cycles)
