"""Block masks of the example: the weakest blocks, each with all taps, are zero, and stay so in training."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from explore.network.models import answers
from support.examples import example

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs pip install '.[training]'", allow_module_level=True)


@pytest.fixture(scope="module")
def masked():
    """Return ``masked_digits`` as a module."""
    with example("masked_digits") as module:
        yield module


@pytest.mark.parametrize("shape", ["8x8", "16x4", "4x16", "1x1", "5x3"])
def test_strengths_are_those_of_each_block_alone(masked: ModuleType, shape: str) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(20, 24, 3, 3)).astype(np.float32)
    outputs, inputs = masked.sides(shape)
    for measure in masked.MEASURES:
        found = masked.strengths(weights, shape, measure)
        assert found.shape == (-(-20 // outputs), -(-24 // inputs))
        for o, i in itertools.product(*map(range, found.shape)):
            block = weights[o * outputs : (o + 1) * outputs, i * inputs : (i + 1) * inputs].astype(float)
            wanted = {
                "l1": np.abs(block).mean(),
                "l2": (block**2).mean() ** 0.5,
                "variance": ((block - block.mean()) ** 2).mean(),
                "variance of the layer": ((block - weights.mean()) ** 2).mean(),
            }
            assert found[o, i] == pytest.approx(wanted[measure], rel=1e-5)


def test_the_weakest_go_in_each_layer_or_of_all(masked: ModuleType) -> None:
    found = {"a": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.array([[0.1, 0.2, 0.3, 9.0]])}
    by_layer = masked.chosen(found, 0.5, "layer")
    assert by_layer["a"].tolist() == [[False, False], [True, True]]
    assert by_layer["b"].tolist() == [[False, False, True, True]]
    ranked = masked.chosen(found, 0.5, "network")
    assert ranked["a"].tolist() == [[False, True], [True, True]]
    assert ranked["b"].tolist() == [[False, False, False, True]]


@pytest.mark.parametrize("when", ["once", "gradual", "by layer"])
def test_masks_are_kept_in_training_and_in_the_file(masked: ModuleType, when: str, tmp_path: Path) -> None:
    import torch

    digits = masked.digits
    data = digits.read_data(None)
    key = ("8x8", 0.5, "l1", "layer", when)
    weights = digits.train(digits.initial(0), data, 6, 1e-3, masked.schedule(key))
    for name in digits.MASKED:
        blocks = masked.strengths(weights[name].numpy(), "8x8", "l1")
        assert np.sum(blocks == 0) == round(0.5 * blocks.size), name
    onnx.save(digits.model(weights, 8), tmp_path / "masked.onnx")
    with torch.no_grad():
        wanted = digits.scores(weights, torch.from_numpy(data.test_images[:1])).numpy()
    got = answers(tmp_path / "masked.onnx", {"image": data.test_images[:1]})["scores"]
    np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_idx_files_and_archives_are_read_alike(masked: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    arrays = {}
    for part, name, count in (("train", "train", 5), ("t10k", "test", 3)):
        images = rng.integers(0, 256, (count, 4, 4), np.uint8)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        arrays |= {f"{name}_images": images, f"{name}_labels": labels}
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / f"{part}-{what}-ubyte").write_bytes(head + array.tobytes())
    np.savez(tmp_path / "digits.npz", **arrays)
    one, other = masked.digits.read_data(tmp_path), masked.digits.read_data(tmp_path / "digits.npz")
    for name in ("images", "labels", "test_images", "test_labels"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.images.shape == (5, 1, 4, 4)
