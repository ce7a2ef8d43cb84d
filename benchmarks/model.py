"""Speed of the analytical model: searches for mappings of whole networks on designs of the Sparseloop paper.

Run: python benchmarks/model.py [--count MAPPINGS] [--json]
Targets: more computes modelled per host cycle than the paper's Table 5 has for the same network and design;
a layer of ResNet-50 on one mapping under 2 ms; a search over 10,000 mappings of it under 0.5 s on two cores.
Host cycles are those of all cores together: processor time by the clock of /proc/cpuinfo.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom_explore.model.evaluate import evaluate
from tileloom_explore.model.search import search
from tileloom_explore.model.specification import Specification, parse_specification
from tileloom_explore.paper.networks import resnet_50, vgg_16

Plain = dict[str, Any]
CONVOLUTION = "O[m,p,q] = W[m,c,r,s] * I[c,{0}p+r,{0}q+s]"
DENSITY = {"W": 0.4, "I": 0.5}

PAPER = {
    "Eyeriss": {"ResNet-50": 5200, "BERT-base": 13300, "VGG-16": 53800, "AlexNet": 21400},
    "Eyeriss v2 PE": {"ResNet-50": 2700, "BERT-base": 12500, "VGG-16": 20400, "AlexNet": 13200},
    "SCNN": {"ResNet-50": 1100, "BERT-base": 4300, "VGG-16": 3700, "AlexNet": 5200},
}
"""Computes per host cycle of Sparseloop, Table 5."""


def networks() -> dict[str, list[Plain]]:
    """Return the workloads of each network's layers."""
    found = {
        name: [
            convolution(
                title,
                layer.stride,
                dict(
                    zip("mcpqrs", (layer.outputs, layer.channels, *layer.output, *layer.kernel), strict=True)
                ),
            )
            for title, layer in layers
        ]
        for name, layers in (("ResNet-50", resnet_50()), ("VGG-16", vgg_16()))
    }
    shapes = [
        (96, 3, 55, 11, 4),
        (256, 48, 27, 5, 1),
        (384, 256, 13, 3, 1),
        (384, 192, 13, 3, 1),
        (256, 192, 13, 3, 1),
    ]
    found["AlexNet"] = [
        convolution(f"conv{index}", stride, {"m": m, "c": c, "p": p, "q": p, "r": r, "s": r})
        for index, (m, c, p, r, stride) in enumerate(shapes, 1)
    ]
    # Twelve encoders of 512 tokens: projections, both products of attention for twelve heads, feed-forward.
    products = {"qkv": (2304, 768, 512), "scores": (512, 64, 512), "values": (64, 512, 512)}
    products |= {"output": (768, 768, 512), "up": (3072, 768, 512), "down": (768, 3072, 512)}
    found["BERT-base"] = [
        convolution(
            name,
            1,
            {"m": m, "c": c, "p": p, "q": 1, "r": 1, "s": 1},
            144 if name in ("scores", "values") else 12,
        )
        for name, (m, c, p) in products.items()
    ]
    return found


def convolution(name: str, stride: int, sizes: Plain, times: int = 1) -> Plain:
    """Return a layer as a workload; ``times`` says how often the network has it."""
    einsum = CONVOLUTION.format("" if stride == 1 else f"{stride}*")
    return {"name": name, "einsum": einsum, "sizes": sizes, "times": times}


def designs() -> dict[str, Plain]:
    """Return architecture, features, formats and constraints of each design, for any convolution."""
    dram = {
        "name": "DRAM",
        "word": 16,
        "block": 4,
        "read": 512.0,
        "write": 512.0,
        "metadata": {"width": 5, "read": 40.0},
    }
    glb = {
        "name": "GLB",
        "word": 16,
        "size": 51200,
        "block": 4,
        "read": 49.2,
        "write": 37.2,
        "read_bandwidth": 16.0,
    }

    def spad(name: str, size: int | None, price: float) -> Plain:
        level: Plain = {"name": name, "word": 16, "read": price, "write": price}
        return level | ({} if size is None else {"size": size}) | {"metadata": {"width": 8, "read": price}}

    def skip(level: str, target: str, *leaders: str) -> Plain:
        return {"level": level, "action": "skip", "target": target, "by": list(leaders)}

    def keep(name: str, *tensors: str, **more: Any) -> Plain:
        return {"level": name, "spatial": "", "keep": list(tensors), **more}

    every = ("W", "I", "O")
    return {
        "Eyeriss": {
            "architecture": {
                "level": [
                    dram,
                    glb | {"fanout": 168},
                    spad("ifmap", 12, 0.2),
                    spad("weights", 224, 0.7),
                    spad("psum", 24, 0.25),
                ],
                "compute": {"energy": 2.2},
            },
            "feature": [{"level": "weights", "action": "gate", "target": "W", "by": ["I"]}],
            "format": {"DRAM": {"I": ["RLE"]}},
            "search": [
                keep("DRAM", *every),
                {"level": "GLB", "keep": ["I", "O"]},
                keep("ifmap", "I"),
                keep("weights", "W"),
                keep("psum", "O"),
            ],
        },
        "Eyeriss v2 PE": {
            "architecture": {
                "level": [dram, spad("iact", 16, 0.13), spad("weights", 192, 0.5), spad("psum", 32, 0.33)],
                "compute": {"energy": 0.56, "zeros": "skip"},
            },
            "feature": [skip("weights", "W", "I"), skip("psum", "O", "I", "W")],
            "format": {"iact": {"I": ["RLE"]}, "weights": {"W": ["UOP", "RLE"]}},
            "search": [keep("DRAM", *every), keep("iact", "I"), keep("weights", "W"), keep("psum", "O")],
        },
        "SCNN": {
            "architecture": {
                "level": [
                    dram | {"fanout": 64},
                    spad("IARAM", 10240, 2.5),
                    spad("FIFO", 1024, 0.5),
                    spad("psum", 6144, 0.8) | {"fanout": 16},
                ],
                "compute": {"energy": 2.2},
            },
            "feature": [
                {"level": "psum", "action": "pack", "target": "W"},
                skip("psum", "O", "W", "I"),
            ],
            "format": {"IARAM": {"I": ["RLE"]}, "FIFO": {"W": ["RLE"]}},
            "search": [
                {"level": "DRAM", "spatial": "p q"},
                keep("IARAM", "I"),
                keep("FIFO", "W"),
                {"level": "psum", "spatial": "m p q", "keep": ["O"]},
            ],
        },
    }


def specifications(network: list[Plain], design: Plain) -> Iterator[tuple[Specification, int]]:
    """Yield a specification for every different layer, and how often the network has it."""
    seen: dict[str, list[Any]] = {}
    for layer in network:
        seen.setdefault(f"{layer['einsum']} {layer['sizes']}", [layer, 0])[1] += layer["times"]
    for layer, times in seen.values():
        workload = {"einsum": layer["einsum"], "sizes": layer["sizes"], "density": DENSITY}
        yield parse_specification({"workload": workload, **design}, layer["name"], Path()), times


def clock_hz() -> float:
    """Return the clock of the host."""
    found = re.search(r"cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    if not found:
        raise click.ClickException("/proc/cpuinfo: has no line cpu MHz")
    return float(found[1]) * 1e6


def rate(network: list[Plain], design: Plain, count: int) -> tuple[float, int]:
    """Return computes per host cycle, and the mappings that fitted.

    A layer that the network has several times is searched once and counted that often.
    """
    computes, fitting = 0.0, 0
    began = time.process_time()
    for specification, times in specifications(network, design):
        layer = specification.layers[0]
        found = search(layer, specification.constraints, count=count)
        computes += layer.workload.computes * found.fitting * times
        fitting += found.fitting
    return computes / ((time.process_time() - began) * clock_hz()), fitting


def one_layer() -> tuple[float, float]:
    """Return the seconds of one estimate (the median of 200), and of a search over 10,000 mappings."""
    sizes = {"m": 64, "c": 64, "p": 56, "q": 56, "r": 3, "s": 3}
    ((specification, _),) = specifications([convolution("conv2_1.2", 1, sizes)], designs()["Eyeriss"])
    layer = specification.layers[0]
    began = time.perf_counter()
    found = search(layer, specification.constraints, count=10_000)
    searched = time.perf_counter() - began
    seconds = []
    for _ in range(200):
        began = time.perf_counter()
        evaluate(layer.workload, layer.architecture, found.best[0].mapping)
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[100], searched


@click.command(cls=Told)
@click.option(
    "--count", type=click.IntRange(100, 10**7), default=10_000, show_default=True, help="Mappings a layer."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(count: int, as_json: bool) -> None:
    """Print how fast networks are searched, and how fast one layer is estimated."""
    figures: list[Plain] = []
    with step("Searching") as shown:
        for name, design in designs().items():
            for network, layers in networks().items():
                shown.show(f"{network} on {name}")
                found, fitting = rate(layers, design, count)
                target = PAPER[name][network]
                figures.append(
                    {
                        "figure": f"{network} on {name}: computes per host cycle",
                        "measured": f"{found:,.0f} ({fitting:,} mappings)",
                        "target": f"{target:,}",
                        "met": found > target,
                    }
                )
        one, many = one_layer()
    for figure, seconds, target in (
        ("one layer of ResNet-50, one mapping", one, 0.002),
        ("the same, search over 10,000 mappings", many, 0.5),
    ):
        figures.append(
            {
                "figure": figure,
                "measured": f"{1000 * seconds:.2f} ms",
                "target": f"{1000 * target:g} ms",
                "met": math.isfinite(seconds) and seconds < target,
            }
        )
    if as_json:
        print_json(figures)
        return
    rows = [
        (*(str(each[key]) for key in ("figure", "measured", "target")), "met" if each["met"] else "not met")
        for each in figures
    ]
    print_table("The analytical model", ("figure", "measured", "target", ""), rows)


if __name__ == "__main__":
    main()
