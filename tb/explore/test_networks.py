"""Shapes of the networks by their published sizes, and layers over engines side by side."""

import numpy as np
import pytest

from tileloom_explore.paper.grid import crop, deal, layer_cycles
from tileloom_explore.paper.networks import NETWORKS
from tileloom_explore.paper.published import SECONDS, published_ratio
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.integers import convolve


# Parameters without the classifier: as counted by torchvision (25,557,032, 138,357,544 and, without the
# auxiliary classifier, 23,834,568), less classifier, batch normalisation and biases.
@pytest.mark.parametrize(
    ("network", "layers", "parameters", "output"),
    [
        ("ResNet-50", 53, 25_557_032 - 2_049_000 - 53_120, 7),
        ("VGG-16", 13, 138_357_544 - 123_642_856 - 4_224, 14),
        ("Inception-v3", 94, 23_834_568 - 2_049_000 - 34_432, 8),
    ],
)
def test_shapes(network, layers, parameters, output):
    found = NETWORKS[network]()
    assert len(found) == layers == len({name for name, _ in found})
    weights = sum(layer.outputs * layer.channels * layer.kernel[0] * layer.kernel[1] for _, layer in found)
    assert weights == parameters
    assert found[-1][1].output == (output, output)


def test_multiplications_of_vgg():
    # 64 x 27 x 224^2 + ..., the sum that its many publications have as 15.3 G.
    assert sum(layer.macs for _, layer in NETWORKS["VGG-16"]()) == 15_346_630_656


def test_every_layer_fits_and_no_channels_are_cut():
    for build in NETWORKS.values():
        for name, layer in build():
            program = compile_layer(layer)
            assert program.splits["channels"] == 1, name
            assert max(map(max, program.commands())) <= 65535


def test_a_crop_computes_its_part(rng):
    layer = Layer(height=11, width=9, channels=3, outputs=4, kernel=(3, 5), stride=2, pads=(1, 2, 4, 0))
    x = rng.integers(-128, 128, (11, 9, 3)).astype(np.int8)
    w = rng.integers(-128, 128, (4, 3, 5, 3)).astype(np.int8)
    whole = convolve(x, w, 2, layer.pads)
    assert whole.shape[:2] == (6, 5)
    for first, count, from_row in ((0, 2, 0), (2, 3, 3), (5, 1, 9)):
        part = crop(layer, (first, count))
        piece = x[from_row : from_row + part.height]
        np.testing.assert_array_equal(convolve(piece, w, 2, part.pads), whole[first : first + count])


def test_one_engine_is_the_estimate(rng):
    layer = Layer(height=14, width=14, channels=32, outputs=40, kernel=(3, 3), pads=(1, 1, 1, 1))
    kept = rng.random((4, 5)) < 0.5
    assert layer_cycles(layer, (1, 1), kept) == estimate(compile_layer(layer), kept).cycles
    # More engines than output rows and block columns are of no use.
    assert layer_cycles(layer, (14, 5), kept) == layer_cycles(layer, (64, 64), kept)
    with pytest.raises(ValueError, match=r"grid\[1\] is 0"):
        layer_cycles(layer, (1, 0), kept)


def test_columns_are_dealt_evenly(rng):
    for engines in (1, 2, 3, 8, 40):
        blocks = rng.integers(0, 60, 32)
        hands = deal(blocks, engines)
        assert sorted(column for hand in hands for column in hand) == list(range(32))
        assert {len(hand) for hand in hands} <= {32 // len(hands), -(-32 // len(hands))}
    assert deal(np.array([9, 1, 1, 9]), 2) == [[0, 1], [2, 3]]


def test_published_figures():
    assert published_ratio("VGG-16", 4) == pytest.approx(0.6457, abs=1e-4)
    assert published_ratio("ResNet-50", 5) is None and published_ratio("ResNet-50", 9) is None
    failed = [(name, side) for name, sides in SECONDS.items() for side, pair in sides.items() if None in pair]
    assert len(failed) == 5 and all(set(sides) == set(range(2, 9)) for sides in SECONDS.values())
