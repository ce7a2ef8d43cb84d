"""The estimator: its sums by hand, its short cuts against none, and the targets that it predicts."""

import numpy as np
import pytest

from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import EngineSize, Layer
from tileloom_golden.engine.sparse import from_dense
from tileloom_golden.estimate import clock
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.clock import Overheads
from tileloom_golden.estimate.engine import estimate

NONE = Overheads(start=0, load=0, begin=0, queue=0, free=0, row=0, lane=0, requantise=0)
CUBE = Layer.product(256, 256, 256)


def mask_of(rng, density, shape=(32, 32)):
    """Return a mask with exactly that share of blocks."""
    mask = np.arange(shape[0] * shape[1]) < round(density * shape[0] * shape[1])
    return rng.permutation(mask).reshape(shape)


def test_one_strip_by_hand():
    # 8 pixels, 3 channel blocks, columns of 2, 0 and 3 blocks.
    mask = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]], bool)
    program = compile_layer(Layer.product(8, 24, 24))
    found = estimate(program, mask, overheads=NONE)
    # Blocks follow in 4 cycles, their beats, a last one takes its 2 tiles, an empty column 1.
    assert found.computing == 6 + 1 + 10 and found.loading == 24 and found.writing == 3 * 8
    # The third column begins when the first is written: 24 + 6, 2 more in the core, 8 rows.
    assert found.cycles == (24 + 6 + 2 + 8) + 10 + 2 + 8


def test_beats_of_weights_limit_narrow_columns():
    # A block in each of 20 columns: 8 beats a column, more than the 4 cycles it takes, or the 4 rows.
    program = compile_layer(Layer.product(4, 8, 160))
    found = estimate(program, overheads=NONE)
    # The first column's beats come while its 4 units are loaded.
    assert found.cycles == pytest.approx(20 * 8 + 4 + 2 + 4, abs=8)


def test_macs_are_those_of_kept_blocks():
    mask = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]], bool)
    found = estimate(compile_layer(Layer.product(8, 24, 24)), mask)
    assert found.macs == 5 * 64 * 8 and found.peak == 256


def test_writing_limits_nearly_empty_weights():
    program = compile_layer(CUBE)
    found = estimate(program, np.zeros((32, 32), bool), overheads=NONE)
    # Nothing but headers: loading and writing, a unit and a row a cycle; strips are 20, then 40 wide.
    assert found.macs == 0 and found.writing == found.loading == 256 * 32
    assert 8192 + 20 * 32 <= found.cycles <= 8192 + 40 * 32 + 50


def test_dense_and_half_sparse_targets(rng):
    program = compile_layer(CUBE)
    dense, half = estimate(program), estimate(program, mask_of(rng, 0.5))
    assert dense.utilisation >= 0.98
    assert half.cycles <= 0.51 * dense.cycles
    assert dense.macs == 256**3 and half.macs == 256**3 // 2


def test_linear_in_the_blocks_kept(rng):
    program = compile_layer(CUBE)
    constant = estimate(program, np.zeros((32, 32), bool)).cycles
    for density in np.linspace(0, 1, 41):
        mask = mask_of(rng, density)
        cycles, ideal = estimate(program, mask).cycles, 64 * int(mask.sum())
        assert ideal <= cycles <= 1.01 * ideal + constant


def test_equal_strips_are_multiplied_exactly(rng, monkeypatch):
    layers = [
        CUBE,
        Layer.product(1000, 40, 72),
        Layer(height=40, width=40, channels=16, outputs=40, kernel=(3, 3), pads=(1, 1, 1, 1)),
    ]
    for layer in layers:
        program = compile_layer(layer)
        shape = (-(-layer.channels // 8), -(-layer.outputs // 8))
        for density in (0, 0.1, 0.5, 1):
            mask = mask_of(rng, density, shape)
            quick = estimate(program, mask)
            with monkeypatch.context() as patch:
                patch.setattr(clock.Clock, "relative", lambda times: (object(),))
                assert estimate(program, mask) == quick


def test_weights_and_their_mask_are_the_same(rng):
    matrix = rng.integers(0, 2, (64, 64)).astype(np.int8) * mask_of(rng, 0.3, (8, 8)).repeat(8, 0).repeat(
        8, 1
    )
    weights = from_dense(matrix)
    program = compile_layer(Layer.product(100, 64, 64))
    assert estimate(program, weights) == estimate(program, weights.mask)
    with pytest.raises(ValueError, match=r"kept has shape \(8, 7\), and the layer \(8, 8\) blocks"):
        estimate(program, weights.mask[:, :7])


def test_more_of_anything_is_not_slower(rng):
    layer = Layer(height=14, width=14, channels=72, outputs=64, kernel=(3, 3), pads=(1, 1, 1, 1))
    mask = mask_of(rng, 0.4, (9, 8))
    base = estimate(compile_layer(layer), mask).cycles
    assert estimate(compile_layer(layer, EngineSize(a_words=4096)), mask).cycles <= base
    assert estimate(compile_layer(layer, EngineSize(drain_rows=4)), mask).cycles <= base
    assert estimate(compile_layer(layer), mask & False).cycles < base
    assert estimate(compile_layer(layer), mask, bus=Bus(latency=50)).cycles > base


def test_input_channels_in_parts():
    layer = Layer(height=4, width=4, channels=64, outputs=16, kernel=(3, 3), pads=(1, 1, 1, 1))
    program = compile_layer(layer, EngineSize(a_words=32))
    assert program.splits["channels"] == 2
    found = estimate(program)
    assert found.macs == layer.macs
    # Each of the two columns loads every strip anew.
    assert found.loading == 2 * sum(
        load.padded[0] * load.padded[1] * load.blocks
        for group in program.groups[::2]
        for load, _ in group.parts
    )
