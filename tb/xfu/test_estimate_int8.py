"""Cycles of the library's layers on CV32E40P in closed form are those of the RTL, whatever the layer is."""

from __future__ import annotations

import numpy as np
import pytest

from support.seed import SEED
from tileloom.xfu.config import Host, XfuConfig
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_golden.estimate.xfu_int8 import int8_cycles
from tileloom_golden.requantise import from_ratios
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.xfu.calls import run_call
from tileloom_sim.xfu.hosts import xfu_system
from tileloom_sim.xfu.layers import Kernel, shape_of
from tileloom_sim.xfu.operations import layer_call


def random_layer(rng: np.random.Generator) -> KernelLayer:
    """Return a convolution, a product or a fully connected layer, dense or 1:M."""
    group = (None, 4, 8, 16)[rng.integers(4)]
    channels = int(rng.integers(1, 90))
    if not rng.integers(4):
        return KernelLayer(rows=int(rng.integers(1, 20)), channels=5 * channels, group=group)
    kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    return KernelLayer(
        rows=int(rng.integers(1, 14)),
        # Lines of a product lie on words: a word that does not takes two accesses.
        channels=4 * channels if kernel == (1, 1) else channels,
        height=int(rng.integers(kernel[0], 7)),
        width=int(rng.integers(kernel[1], 7)),
        kernel=kernel,
        stride=1 if kernel == (1, 1) else int(rng.integers(1, 3)),
        group=group,
    )


def run_in_rtl(layer: KernelLayer, rng: np.random.Generator) -> int:
    """Return the cycles of a layer on random data."""
    weights = rng.integers(-128, 128, (layer.rows, layer.length), dtype=np.int8)
    if layer.group:
        whole = np.pad(weights, ((0, 0), (0, -layer.length % layer.group)))
        weights = prune_nm(whole, layer.group)[:, : layer.length]
    call = layer_call(
        shape_of(layer),
        rng.integers(-128, 128, (layer.height, layer.width, layer.channels), dtype=np.int8),
        weights,
        from_ratios(rng.uniform(1e-5, 1e-2, layer.rows), rng.integers(-(2**20), 2**20, layer.rows)),
        Kernel.XDECIMATE if layer.group else Kernel.DENSE_4X2,
        m=layer.group or 4,
        relu=bool(rng.integers(2)),
    )
    return run_call(xfu_system(XfuConfig(host=Host.CV32E40P)), call).cycles


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.long)])
def test_cycles(count: int) -> None:
    rng = np.random.default_rng([SEED, count])
    for _ in range(count):
        layer = random_layer(rng)
        assert int8_cycles(layer) == run_in_rtl(layer, rng), layer


def test_what_has_no_closed_form_is_refused() -> None:
    with pytest.raises(ValueError, match="a 1 x 1 window with a stride has no closed form"):
        int8_cycles(KernelLayer(rows=1, channels=4, height=3, width=3, kernel=(1, 1), stride=2))
    with pytest.raises(ValueError, match="is more than 32768 groups of 1:4"):
        int8_cycles(KernelLayer(rows=1, channels=(1 << 17) + 32, group=4))
