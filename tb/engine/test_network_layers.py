"""Layers of ResNet-50, VGG-16 and Inception-v3, cropped in height only, through the RTL bit for bit."""

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom_explore.paper.grid import crop
from tileloom_explore.paper.networks import NETWORKS
from tileloom_golden.estimate.engine import estimate

from .layers import make_case, run_cases

LAYERS = [
    # Network, layer, first output row, rows
    ("ResNet-50", "conv1", 0, 2),
    ("ResNet-50", "conv3_1.2", 26, 2),
    ("ResNet-50", "conv4_1.shortcut", 5, 1),
    ("ResNet-50", "conv5_3.2", 0, 2),
    ("VGG-16", "conv1_1", 100, 1),
    ("VGG-16", "conv5_3", 12, 2),
    ("Inception-v3", "1a", 0, 2),
    ("Inception-v3", "6c.7x7.2", 16, 1),
    ("Inception-v3", "6c.7x7.3", 0, 1),
    ("Inception-v3", "7a.3x3.2", 7, 1),
    ("Inception-v3", "7c.double.2", 3, 2),
]


@pytest.mark.parametrize("sparsity", [0, 0.5])
def test_network_layers(sparsity: float, rng: np.random.Generator) -> None:
    config = EngineConfig()
    cases = []
    for network, name, first, rows in LAYERS:
        whole = dict(NETWORKS[network]())[name]
        layer = crop(whole, (first, rows))
        assert (layer.width, layer.channels, layer.outputs) == (whole.width, whole.channels, whole.outputs)
        assert layer.output == (rows, whole.output[1])
        count = -(-layer.channels // 8) * -(-layer.outputs // 8)
        mask = rng.permutation(np.arange(count) >= round(sparsity * count))
        cases.append(make_case(config, layer, mask.reshape(-(-layer.channels // 8), -1), rng))
    runs = run_cases(generate(config), cases)
    for (network, name, _, _), case, run in zip(LAYERS, cases, runs, strict=True):
        found = estimate(case.program, case.weights)
        print(f"{network} {name}: {run.cycles} cycles, {found.cycles} estimated, {found.utilisation:.1%}")
        assert abs(found.cycles - run.cycles) <= 0.01 * run.cycles
