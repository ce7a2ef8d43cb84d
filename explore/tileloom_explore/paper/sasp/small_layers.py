"""The layers of a small encoder through the RTL of CV32E40P and its array, beside what the models say.

Every word is compared with the golden model's. Where a layer has a product several times it runs once, and
counts so often. What is no product does not run, nor does the packing of activations as weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tileloom.systolic.config import SystolicConfig
from tileloom_golden.systolic.tiles import tile_grid
from tileloom_sim.riscv.run import SASP_CACHES, Conditions
from tileloom_sim.systolic.products import simulate_products
from tileloom_sim.systolic.software import EVENTS, Method, run_software

from .encoder import LAYERS, Encoder, Means, Product, array_work, host_array, software_work

SMALL = Encoder(blocks=1, width=64, heads=2, hidden=128, sequence=32)
"""What runs: the paper's proportions but for the length of the feed-forward layer."""

METHODS = ("array", "blocked", "plain")


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
        for layer in LAYERS:
            rows.append(
                {"weights": weights, "size": size, "means": means.value, "layer": layer}
                | _layer(config, weights, layer, seed, show)
            )
    return rows


def _layer(
    config: SystolicConfig, weights: str, layer: str, seed: int, show: Callable[[str], None]
) -> dict[str, Any]:
    products = [each for each in SMALL.products if each.layer == layer]
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
            _by_software(each, seed, memory == "caches", total, kinds if memory == "single" else Counter())
        cycles[memory] = total
    model = sum(_model(config, each, each in on_array) for each in products)
    return {
        "cycles": {memory: dict(total) for memory, total in cycles.items()},
        "model": model,
        "difference": round(model / cycles["single"]["array"] - 1, 5),
        "mix": dict(kinds),
    }


def _by_software(product: Product, seed: int, caches: bool, total: Counter[str], kinds: Counter[str]) -> None:
    """Count a product of two activations that an array of integers leaves to software."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(product.m, product.k)).astype(np.float32)
    w = random.normal(size=(product.k, product.n)).astype(np.float32)
    conditions = Conditions(caches=SASP_CACHES) if caches else Conditions()
    for method in (Method.BLOCKED, Method.PLAIN):
        run = run_software(method, x, w, conditions=conditions)
        total[method] += product.times * run.cycles
        if method is Method.BLOCKED:
            total["array"] += product.times * run.cycles
            counted = {kind: run.events[kind] for kind in EVENTS if kind != "load_stalls"}
            counted["others"] = run.instructions - sum(counted.values())
            kinds.update({kind: product.times * count for kind, count in counted.items()})


def _model(config: SystolicConfig, product: Product, on_array: bool) -> int:
    if not on_array:
        return software_work(product, "fp32").cycles
    everything = np.ones(tile_grid(product.k, product.n, config.rows, config.columns), bool)
    return product.times * array_work(config, product.m, everything).cycles
