"""The estimate of a layer's cycles on the RISC-V cores is within 5 % of the RTL's, whatever the layer."""

import numpy as np
import pytest

from support.seed import SEED
from tileloom.families import load
from tileloom.xfu.config import XfuConfig
from tileloom_golden.estimate.xfu import cycles
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.xfu.hosts import xfu_system
from tileloom_sim.xfu.layers import Kernel, LayerShape, run_layer

LAYERS = (
    LayerShape(rows=16, channels=16, height=6, width=6, kernel=(3, 3)),
    LayerShape(rows=8, channels=64, height=20, width=1, kernel=(1, 1)),
    LayerShape(rows=32, channels=13, height=5, width=5, kernel=(3, 3)),
    LayerShape(rows=5, channels=32, height=9, width=9, kernel=(1, 1)),
    LayerShape(rows=64, channels=128),
    LayerShape(rows=64, channels=512),
)


@pytest.mark.parametrize("name", ["xfu-cv32e40p", pytest.param("xfu-cv-x-if", marks=pytest.mark.long)])
def test_cycles(name: str) -> None:
    config = load(name)
    assert isinstance(config, XfuConfig)
    system = xfu_system(config)
    rng = np.random.default_rng(SEED)
    off = []
    for layer in LAYERS:
        for group in (None, 4, 8, 16):
            if group and layer.length % group:
                continue
            weights = rng.integers(-127, 128, (layer.rows, layer.length), dtype=np.int8)
            kernel = Kernel.DENSE_4X2 if group is None else Kernel.XDECIMATE
            run = run_layer(
                system,
                layer,
                kernel,
                rng.integers(-128, 128, (layer.height, layer.width, layer.channels), dtype=np.int8),
                weights if group is None else prune_nm(weights, group),
                group=group or 4,
            )
            estimated = cycles(
                rows=layer.rows,
                kernel=layer.kernel,
                channels=layer.channels,
                pixels=layer.output[0] * layer.output[1],
                group=group,
                simd=name == "xfu-cv32e40p",
            )
            off.append(estimated / run.cycles - 1)
    print(f"{len(off)} layers, off by {min(off):+.1%} to {max(off):+.1%}")
    assert len(off) == 21
    assert max(map(abs, off)) < 0.05
