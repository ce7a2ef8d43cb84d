"""Cycles and accesses of a layer on the RISC-V cores in closed form are those of the RTL, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest

from support.seed import SEED
from tileloom.families import load
from tileloom.xfu.config import XfuConfig
from tileloom_explore.xfu.traffic import kernel_cycles, kernel_traffic
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.riscv.run import Accesses
from tileloom_sim.xfu.hosts import xfu_system
from tileloom_sim.xfu.layers import Kernel, KernelRun, run_layer, shape_of


def random_layer(rng: np.random.Generator) -> KernelLayer:
    """Return a convolution or, one in four, a fully connected layer, dense or 1:M."""
    group = (None, 4, 8, 16)[rng.integers(4)]
    multiple = group or 1
    if not rng.integers(4):
        channels = int(rng.integers(1, 600 // multiple)) * multiple
        return KernelLayer(rows=int(rng.integers(1, 40)), channels=channels, group=group)
    kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    multiple //= np.gcd(multiple, kernel[0] * kernel[1])
    return KernelLayer(
        rows=int(rng.integers(1, 24)),
        channels=int(rng.integers(1, 1 + 64 // multiple)) * int(multiple),
        height=int(rng.integers(kernel[0], 9)),
        width=int(rng.integers(kernel[1], 9)),
        kernel=kernel,
        stride=int(rng.integers(1, 3)),
        group=group,
    )


def run_in_rtl(config: XfuConfig, layer: KernelLayer, rng: np.random.Generator) -> KernelRun:
    """Run a layer on random data."""
    weights = rng.integers(-127, 128, (layer.rows, layer.length), dtype=np.int8)
    return run_layer(
        xfu_system(config),
        shape_of(layer),
        Kernel.XDECIMATE if layer.group else Kernel.DENSE_4X2,
        rng.integers(-128, 128, (layer.height, layer.width, layer.channels), dtype=np.int8),
        prune_nm(weights, layer.group) if layer.group else weights,
        group=layer.group or 4,
    )


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("xfu-cv32e40p", {}, 20),
        pytest.param("xfu-cv32e40p", {}, 400, marks=pytest.mark.long),
        pytest.param("xfu-cv-x-if", {}, 200, marks=pytest.mark.long),
        pytest.param("xfu-cv-x-if", {"precise_errors": False}, 100, marks=pytest.mark.long),
    ],
)
def test_cycles_and_accesses(name: str, settings: dict[str, bool], count: int) -> None:
    config = load(name, **settings)
    assert isinstance(config, XfuConfig)
    rng = np.random.default_rng([SEED, count])
    seen = set()
    for _ in range(count):
        layer = random_layer(rng)
        run = run_in_rtl(config, layer, rng)
        assert kernel_cycles(config, layer) == run.cycles, layer
        moved = kernel_traffic(config, layer)
        expected = {
            name: Accesses(read.accesses, 0, read.bytes, 0)
            for name, read in (("input", moved.input), ("weights", moved.weights), ("offsets", moved.offsets))
        }
        read, written = moved.patches, moved.patches_written
        expected["patches"] = Accesses(read.accesses, written.accesses, read.bytes, written.bytes)
        expected["results"] = Accesses(0, moved.results.accesses, 0, moved.results.bytes)
        assert run.accesses == expected, layer
        seen.add((layer.kernel is None, layer.group))
    print(f"seed {SEED}: {count} layers on {name}, cycles and accesses equal")
    assert len(seen) == 8 or count < 50
