"""Masks by L1, L2 and variance, for a layer and over a model."""

import numpy as np
import pytest

from tileloom_golden.engine.masks import CRITERIA, block_mask, block_scores, choose_blocks, model_masks
from tileloom_golden.engine.sparse import from_convolution, from_dense

BY_HAND = {
    "l1": lambda block: np.abs(block).mean(),
    "l2": lambda block: np.sqrt((block**2).mean()),
    "variance": np.var,
}


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("block", [(8, 8), (16, 4), (1, 1), (5, 32)])
def test_scores_are_those_of_the_elements_that_exist(rng, criterion, block):
    matrix, (b_k, b_n) = rng.normal(3, 1, (35, 41)), block
    scores = block_scores(matrix, block, criterion)
    for row, column in np.ndindex(scores.shape):
        part = matrix[row * b_k : (row + 1) * b_k, column * b_n : (column + 1) * b_n]
        np.testing.assert_allclose(scores[row, column], BY_HAND[criterion](part), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_convolution_block_has_all_its_taps(rng, criterion):
    weights = rng.integers(-128, 128, (19, 3, 2, 10)).astype(np.int8)
    scores = block_scores(weights, (8, 8), criterion)
    assert scores.shape == (2, 3)
    part = weights[16:19, :, :, 8:10].astype(np.float64)
    np.testing.assert_allclose(scores[1, 2], BY_HAND[criterion](part), rtol=1e-12)


def test_criteria_disagree():
    # Flat and large, one peak, and alternating: L1 keeps the first, L2 the second, variance not the first.
    flat, peak, alternating = np.full((8, 8), 2.0), np.zeros((8, 8)), np.tile([1.9, -1.9], (8, 4))
    peak[0, 0] = 17.0
    matrix = np.hstack([flat, peak, alternating])
    kept = {name: block_mask(matrix, 2 / 3, criterion=name).tolist() for name in CRITERIA}
    assert kept["l1"] == [[True, False, False]] and kept["l2"] == [[False, True, False]]
    assert not block_mask(matrix, 1 / 3, criterion="variance")[0, 0]


@pytest.mark.parametrize("sparsity", [0, 0.1, 0.25, 0.5, 0.99, 1])
def test_the_share_is_met_and_the_smallest_go(rng, sparsity):
    weights = rng.normal(size=(64, 3, 3, 40))
    mask = block_mask(weights, sparsity)
    assert (~mask).sum() == round(sparsity * mask.size)
    scores = block_scores(weights)
    if 0 < mask.sum() < mask.size:
        assert scores[~mask].max() <= scores[mask].min()
    np.testing.assert_array_equal(from_convolution(weights, mask=mask).mask, mask)


def test_globally_a_small_layer_may_lose_everything(rng):
    layers = {"large": rng.normal(0, 10, (32, 32)), "small": rng.normal(0, 0.1, (16, 3, 3, 16))}
    masks = model_masks(layers, 4 / 20)
    assert masks["large"].all() and not masks["small"].any()
    assert from_dense(layers["large"], mask=masks["large"]).density == 1
    per_layer = {name: block_mask(weights, 0.25) for name, weights in layers.items()}
    assert per_layer["large"].sum() == 12 and per_layer["small"].sum() == 3


def test_ties_go_in_order_and_nothing_is_nothing():
    assert choose_blocks({"a": np.ones((1, 2)), "b": np.ones((2, 1))}, 0.75)["b"].tolist() == [
        [False],
        [True],
    ]
    assert choose_blocks({}, 0.5) == {}


@pytest.mark.parametrize(
    ("layers", "arguments", "message"),
    [
        ({"x": np.ones((8, 8))}, {"criterion": "l3"}, "x: criterion is 'l3', not one of l1, l2, variance"),
        ({"x": np.array([[1.0, np.nan]])}, {}, r"x: weights\[0, 1\] is NaN or infinite"),
        ({"x": np.ones((8, 8), bool)}, {}, "x: weights has dtype bool"),
        ({"x": np.ones((8, 8, 8))}, {}, "x: weights has shape .* neither 2 nor 4 dimensions"),
        ({"x": np.ones((8, 8))}, {"sparsity": 1.5}, "sparsity is 1.5, not 0 to 1"),
        ({"x": np.ones((8, 8))}, {"block": (64, 8)}, "x: b_k is 64, not 1 to 32"),
    ],
)
def test_what_is_wrong_is_named(layers, arguments, message):
    with pytest.raises(ValueError, match=message):
        model_masks(layers, **{"sparsity": 0.5} | arguments)
