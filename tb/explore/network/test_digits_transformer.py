"""The transformer of the examples: its ONNX is what was trained, masks hold, tiles are those of a sweep."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from explore.network.models import answers
from support.examples import example
from tileloom.families import load
from tileloom_explore.network.sweep import Variant, pruned_layers


@pytest.fixture(scope="module")
def pruned() -> Iterator[ModuleType]:
    """Return ``pruned_digits`` as a module; tests are skipped where it has nothing to train with."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs pip install '.[training]'")
    with example("pruned_digits") as module:
        yield module


def test_the_file_has_what_was_trained_and_masked_weights_are_zero(
    pruned: ModuleType, tmp_path: Path
) -> None:
    import torch

    digits = pruned.digits
    first = digits.initial(0)
    masks = pruned.masks(first, 16, 0.5)
    weights = digits.train(first, 1, 1e-3, masks)
    for name, kept in masks.items():
        assert not weights[name].numpy()[~kept].any() and weights[name].numpy()[kept].all()
        assert np.array_equal(weights[name], first[name] * torch.from_numpy(kept)) == (not kept.any())
    path = tmp_path / "transformer.onnx"
    onnx.save(digits.model(weights), path)
    assert path.stat().st_size < 1_000_000
    images = digits.data()[2][:50]
    wanted = digits.scores(weights, torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(answers(path, {"image": images})["head.result"], wanted, atol=1e-4)
    assert all(np.array_equal(each, weights[name]) for name, each in digits.read(path).items())


@pytest.mark.parametrize("size", [4, 16, 32])
def test_the_tiles_that_are_masked_are_those_of_a_sweep(pruned: ModuleType, size: int) -> None:
    digits = pruned.digits
    weights = digits.initial(1)
    layers = {layer.name: layer for layer in pruned.network_of(weights).layers}
    assert len(layers) == 14 and set(digits.FEED_FORWARD) < set(layers)
    variant = Variant(load(f"sasp-{size}x{size}-fp32"), 0.4)
    swept = pruned_layers(layers, variant, digits.FEED_FORWARD)
    masks = pruned.masks(weights, size, 0.4)
    assert all(np.array_equal(swept[name].weights[:, 0, 0].T != 0, kept) for name, kept in masks.items())
    assert 0.3 < 1 - np.mean([kept.mean() for kept in masks.values()]) < 0.5
