"""Moves: their product is the gain, and each is what the change of a design makes of it."""

import numpy as np
import pytest

from engine.layers import random_layer
from tileloom.families import load
from tileloom_explore.roofline.designs import Setting, mask_shape, point_of
from tileloom_explore.roofline.layers import random_mask
from tileloom_explore.roofline.moves import move, moves
from tileloom_golden.engine.program import Layer

SQUARE = Layer.product(256, 256, 256)


def point(source, layer=SQUARE, *, sparsity=0.0, setting=None, seed=1, **fields):
    config = load(source, **fields)
    kept = random_mask(mask_shape(config, layer), sparsity, np.random.default_rng(seed))
    return point_of(config, setting or Setting(), "x", layer, kept)


def test_the_gain_is_the_product_of_the_moves(rng):
    compared = 0
    for _ in range(60):
        layer = random_layer(rng, 12, 40)
        ends = []
        for _ in range(2):
            size = {
                "m": int(2 ** rng.integers(4)),
                "k": int(rng.integers(1, 17)),
                "n": int(rng.integers(1, 9)),
            }
            setting = Setting(dram=float(rng.uniform(0.5, 50)), frequency=float(rng.uniform(1e8, 2e9)))
            sparsity = float(rng.choice([0, 0.5]))
            ends.append(point("engine-int8", layer, sparsity=sparsity, setting=setting, **size))
        found = move(*ends)
        assert found.raised * found.shifted * found.approached == pytest.approx(found.gain)
        assert found.raised * found.shifted == pytest.approx(found.roof)
        assert found.energy_raised * found.energy_shifted == pytest.approx(found.energy_gain)
        assert found.gain == pytest.approx(ends[0].seconds / ends[1].seconds)
        compared += 1
    assert compared == 60


def test_a_larger_array_raises_the_roof():
    found = move(point("stream-8x8-int8"), point("stream-8x8-int8", rows=16, columns=16))
    # As wide a port again at the intensity of before, and each byte of activations now feeds twice as many.
    assert found.gain == pytest.approx(4, rel=0.01)
    assert found.raised == pytest.approx(2) and found.shifted == pytest.approx(2)
    assert found.approached == pytest.approx(1, abs=0.01)


def test_smaller_numbers_shift_right_where_a_memory_bounds():
    setting = Setting(dram=2.0)
    found = move(*(point("stream-8x8-fp32", setting=setting, weight=each) for each in ("fp32", "int8")))
    # Of three equal tensors of 32 bits one now has 8: 3 / 2.25.
    assert found.raised == pytest.approx(1) and found.shifted == pytest.approx(4 / 3)
    assert found.gain == pytest.approx(4 / 3) and found.words == "shifted right x 1.33"


def test_leaving_out_blocks_shifts_right_and_raises():
    found = move(point("engine-int8"), point("engine-int8", sparsity=0.75))
    assert found.roof == pytest.approx(4) and 3.5 < found.gain < 4 and found.approached < 1
    assert found.words.endswith(f"fell back x {found.approached:.2f}")
    assert 1 < found.energy_gain < 4
    dense, sparse = found.before, found.after
    assert sparse.dense_throughput > dense.machine.peak > sparse.throughput


def test_a_second_register_for_weights_approaches():
    layer = Layer.product(16, 64, 64)
    ends = [point("stream-8x8-int8", layer, double_buffer=each) for each in (False, True)]
    found = move(*ends)
    assert found.raised == found.shifted == 1 and found.gain == pytest.approx(found.approached)
    assert found.gain > 1.5
    assert found.words == f"approached x {found.gain:.2f}"


def test_designs_with_other_levels_have_the_roof_alone():
    found = move(point("engine-int8"), point("stream-8x8-int8"))
    assert found.raised is None and found.energy_shifted is None
    assert found.roof * found.approached == pytest.approx(found.gain)
    assert found.words.startswith("the roof is x 0.25")
    assert move(found.before, found.before).words == "nothing"


def test_every_layer_moves_from_its_first_point():
    first, second = point("engine-int8"), point("engine-int8", sparsity=0.5)
    other = point("stream-8x8-int8")
    found = moves([first, second, other])
    assert [(each.before, each.after) for each in found] == [(first, second), (first, other)]
    with pytest.raises(ValueError, match="different layers"):
        move(first, point("engine-int8", Layer.product(1, 1, 1)))
