"""Sparsifying a network against loops over its tiles, blocks and groups."""

import numpy as np
import pytest

from tileloom.errors import UserError
from tileloom.families import load
from tileloom_explore.network.arrangement import Channels
from tileloom_explore.network.fit import fits
from tileloom_explore.network.layer import NetworkLayer
from tileloom_explore.network.recognise import empty_units, recognise
from tileloom_explore.network.sparsify import sparsify
from tileloom_explore.network.sparsity import Sparsity, parse_sparsity, select
from tileloom_explore.network.weights import as_matrix, expand_groups, from_matrix, own_groups
from tileloom_golden.engine.masks import model_masks
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.xfu.sparsity import compress

TILES, BLOCKS = Sparsity("tiles", 0.4), Sparsity("blocks", 0.4)


def network(rng):
    """Return layers of odd sizes, one with weights a thousandth of the others'."""
    return {
        "fc": rng.normal(size=(35, 21)).astype(np.float32),
        "small": rng.normal(0, 1e-3, (16, 24)).astype(np.float32),
        "conv": rng.normal(size=(19, 3, 2, 10)).astype(np.float32),
        "integers": rng.integers(-3, 4, (17, 9)).astype(np.int8),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tiles:25%", Sparsity("tiles", 0.25)),
        ("nm:1:8", Sparsity("nm", m=8)),
        ("blocks:12.5%", Sparsity("blocks", 0.125)),
        ("blocks:100%:variance", Sparsity("blocks", 1, criterion="variance")),
    ],
)
def test_texts(text, expected):
    assert parse_sparsity(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be such as tiles:25%, nm:1:8"),
        ("tile:25%", "must be such as"),
        ("tiles", "say a share above 0% and at most 100%, as in tiles:25%"),
        ("tiles:0.25", "say a share above 0%"),
        ("tiles:0%", "say a share above 0%"),
        ("blocks:101%", "say a share above 0%"),
        ("blocks:nan%", "say a share above 0%"),
        ("tiles:25%:l2", "tiles go by their L1 norm; nothing else may follow"),
        ("blocks:25%:l3", "blocks go by l1, l2, variance"),
        ("blocks:25%:l1:l1", "nothing else may follow"),
        ("nm:1:5", "the hardware has nm:1:4 or nm:1:8 or nm:1:16"),
        ("nm:2:4", "the hardware has"),
        ("nm:1:8:9", "the hardware has"),
    ],
)
def test_wrong_texts_are_told(text, message):
    with pytest.raises(UserError, match=message):
        parse_sparsity(text)


def test_layers_by_pattern():
    names = ["encoder.0.fc1", "encoder.0.fc2", "head"]
    assert select(names) == names
    assert select(names, ["encoder.*"], ["*.fc2"]) == ["encoder.0.fc1"]
    assert select(names, [], ["head"]) == names[:2]
    with pytest.raises(UserError, match=r"'encodr\.0\.fc1' fits no layer; did you mean encoder\.0\.fc1\?"):
        select(names, ["encodr.0.fc1"])
    with pytest.raises(UserError, match="no layer is left"):
        select(names, ["head"], ["h*"])


def test_tiles_of_one_layer_are_those_of_prune_tiles(rng):
    layers = network(rng)
    for name, weights in layers.items():
        done = sparsify({name: weights}, TILES, (4, 3))[name]
        matrix = as_matrix(weights)
        np.testing.assert_array_equal(as_matrix(done.weights), prune_tiles(matrix, 4, 3, 0.4))
        assert done.weights.shape == weights.shape and done.weights.dtype == weights.dtype
        gone, units = empty_units(done.weights, (4, 3))
        assert units == done.units and gone == (~done.kept).sum() == round(0.4 * units)
        kept = np.abs(done.weights.astype(float)).sum() / np.abs(weights.astype(float)).sum()
        assert done.lost == pytest.approx(1 - kept) and done.lost > 0


@pytest.mark.parametrize("criterion", ["l1", "l2", "variance"])
def test_blocks_are_those_of_the_engine(rng, criterion):
    layers = network(rng)
    done = sparsify(layers, Sparsity("blocks", 0.4, criterion=criterion), (8, 4))
    masks = model_masks(layers, 0.4, (8, 4), criterion)
    for name, each in done.items():
        np.testing.assert_array_equal(each.kept, masks[name])
        given = layers[name] if layers[name].ndim == 4 else layers[name].T[:, None, None, :]
        found = each.weights if each.weights.ndim == 4 else each.weights.T[:, None, None, :]
        np.testing.assert_array_equal(found, from_convolution(given, (8, 4), masks[name]).to_convolution())


def test_ranked_together_the_small_layer_goes_first(rng):
    layers = {name: weights for name, weights in network(rng).items() if name != "integers"}
    together = sparsify(layers, TILES, (8, 8))
    assert not together["small"].weights.any() and together["small"].removed == together["small"].units == 6
    units = sum(each.units for each in together.values())
    assert sum(each.removed for each in together.values()) == round(0.4 * units)
    alone = sparsify(layers, TILES, (8, 8), scope="layer")
    for each in alone.values():
        assert each.removed == round(0.4 * each.units)


def test_what_is_zero_already_goes_first_and_is_not_counted(rng):
    weights = rng.normal(size=(32, 32))
    weights[:16] = 0
    done = sparsify({"x": weights}, Sparsity("tiles", 0.75), (8, 8))["x"]
    assert done.units == 16 and done.removed == 4 and (~done.kept).sum() == 12
    assert sparsify({"x": weights}, Sparsity("blocks", 0.5), (8, 8))["x"].removed == 0


@pytest.mark.parametrize("m", [4, 8, 16])
def test_groups_keep_their_largest(rng, m):
    layers = network(rng)
    compared = 0
    for name, done in sparsify(layers, Sparsity("nm", m=m)).items():
        given, found = as_matrix(layers[name]).T, as_matrix(done.weights).T
        for row, column in np.ndindex(len(given), -(-given.shape[1] // m)):
            part = given[row, column * m : (column + 1) * m]
            kept = found[row, column * m : (column + 1) * m]
            place = int(np.abs(part.astype(float)).argmax())
            expected = np.zeros_like(part)
            expected[place] = part[place]
            np.testing.assert_array_equal(kept, expected)
            compared += 1
        assert done.kept is None and done.removed == np.count_nonzero(given) - np.count_nonzero(found)
        integers = np.sign(np.pad(found, ((0, 0), (0, -found.shape[1] % m)))).astype(np.int8)
        compress(integers, m)  # raises where a group has two
    assert compared > 150


@pytest.mark.parametrize("groups", [2, 3, 12])
@pytest.mark.parametrize("sparsity", [TILES, BLOCKS], ids=["tiles", "blocks"])
def test_between_groups_nothing_is_ranked(rng, groups, sparsity):
    """A grouped layer among dense ones: only units with weights of a group count, and it stays grouped."""
    weights = rng.normal(size=(24, 3, 1, 24 // groups))
    dense = rng.normal(size=(16, 16))
    done = sparsify({"g": weights, "d": dense}, sparsity, (4, 4), groups={"g": groups})
    whole = expand_groups(done["g"].weights, groups)
    grid = np.zeros((6 * (3 if sparsity.kind == "tiles" else 1), 6), bool)
    each = 24 // groups
    for output, channel in np.ndindex(24, 24):
        if output // each == channel // each:
            for tap in range(3 if sparsity.kind == "tiles" else 1):
                grid[(tap * 24 + channel) // 4, output // 4] = True
    assert done["g"].units == grid.sum() and not (done["g"].kept & ~grid).any()
    assert done["g"].removed + done["d"].removed == round(0.4 * (grid.sum() + 16))
    empty, units = empty_units(whole, (4, 4), blocks=sparsity.kind == "blocks")
    assert units == grid.size and empty == (~done["g"].kept).sum()
    changed = done["g"].weights != weights
    assert changed.any() and not done["g"].weights[changed].any()


def test_groups_and_matrices_there_and_back(rng):
    weights = rng.integers(1, 100, (12, 2, 3, 5))
    dense = expand_groups(weights, 4)
    assert dense.shape == (12, 2, 3, 20)
    for index in np.ndindex(*weights.shape):
        output, y, x, channel = index
        assert dense[output, y, x, output // 3 * 5 + channel] == weights[index]
    assert np.count_nonzero(dense) == weights.size
    np.testing.assert_array_equal(own_groups(dense, 4), weights)
    np.testing.assert_array_equal(from_matrix(as_matrix(weights), weights.shape), weights)
    assert as_matrix(weights)[(1 * 3 + 2) * 5 + 4, 7] == weights[7, 1, 2, 4]


@pytest.mark.parametrize("m", [4, 8, 16])
def test_what_is_1_to_m_already_is_seen(rng, m):
    weights = sparsify({"x": rng.normal(size=(37, 6))}, Sparsity("nm", m=m))["x"].weights
    found = recognise(weights)
    assert found.m == m and found.weights - found.zeros == 6 * -(-37 // m)
    weights[0:2, 3] = 1
    assert recognise(weights).m is None


def test_what_is_no_sparsity():
    assert recognise(np.ones((1, 9))).m is None  # one weight of each output channel: nothing to leave out
    assert recognise(np.zeros((64, 8))).m == 16
    assert recognise(np.eye(3)).m is None and recognise(np.eye(9)).m == 8
    assert empty_units(np.eye(16), (8, 8)) == (2, 4)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("engine-int8", "quantised; 50% of the blocks are zero"),
        ("stream-8x8-fp32", "yes; 50% of the tiles are zero"),
        ("xfu-cv32e40p", "quantised"),
    ],
)
def test_a_depthwise_layer_shows_what_is_zero(rng, config, expected):
    """16 channels of their own: of 8 x 8 tiles and blocks those on the diagonal are left."""
    weights = rng.normal(size=(16, 3, 3, 1)).astype(np.float32)
    layer = NetworkLayer(
        name="conv",
        operator="Conv",
        input="x",
        output="y",
        arrangement=Channels(2),
        weights=weights,
        groups=16,
    )
    assert fits(load(config), layer, (1, 16, 8, 8)) == (True, expected)


@pytest.mark.parametrize("sparsity", [TILES, BLOCKS, Sparsity("nm", m=4)], ids=["tiles", "blocks", "nm"])
def test_the_layer_of_wrong_weights_is_named(sparsity):
    hole = np.ones((4, 1, 2, 4))
    hole[3, 0, 1, 2] = np.nan
    wrong = {
        r"/fc/MatMul: weights\[3, 0, 1, 2\] is NaN or infinite": hole,
        "/fc/MatMul: weights has dtype complex128": np.ones((8, 8), complex),
        r"/fc/MatMul: weights has shape \(8, 8, 8\), neither": np.ones((8, 8, 8)),
    }
    for message, weights in wrong.items():
        with pytest.raises(UserError, match=message):
            sparsify({"fine": np.ones((4, 4)), "/fc/MatMul": weights}, sparsity, (4, 4))
    with pytest.raises(UserError, match=r"g: weights has shape .* of 3 groups"):
        sparsify({"g": np.ones((4, 1, 1, 4))}, BLOCKS, (4, 4), groups={"g": 3})
