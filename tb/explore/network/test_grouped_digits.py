"""Groups of the example: the largest weight of each stays, and stays alone in training and in the file."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx.numpy_helper import to_array

from explore.network.models import answers
from support.examples import example
from tileloom.cli.main import main

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs pip install '.[training]'", allow_module_level=True)


@pytest.fixture(scope="module")
def grouped():
    """Return ``grouped_digits`` as a module."""
    with example("grouped_digits") as module:
        yield module


@pytest.mark.parametrize("group", [4, 8, 16])
def test_the_largest_of_each_group_stays(grouped: ModuleType, group: int) -> None:
    rng = np.random.default_rng(3)
    kernels, matrix = rng.normal(size=(5, 32, 3, 2)), rng.normal(size=(48, 7))
    for weights, axis in ((kernels, 1), (matrix, 0)):
        rows = np.moveaxis(np.where(grouped.strongest(weights, group, axis), weights, 0), axis, -1).copy()
        for own, all_ in zip(rows.reshape(-1, group), _groups(weights, axis, group), strict=True):
            assert np.count_nonzero(own) == 1 and np.abs(own).max() == np.abs(all_).max()


def _groups(weights, axis, group):
    return np.moveaxis(weights, axis, -1).copy().reshape(-1, group)


@pytest.mark.parametrize("name", ["residual", "transformer"])
def test_what_is_measured_is_what_is_in_the_files(grouped: ModuleType, name: str, tmp_path: Path) -> None:
    import torch

    accuracy = grouped.measured(name, 1, 1, tmp_path)
    (tmp_path / f"{name}.json").write_text(accuracy.text())
    shown = CliRunner().invoke(main, ["paper", "xdecimate", "accuracy", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    example, module = grouped.EXAMPLES[name](), getattr(grouped, name)
    for group, measured in zip((4, 8, 16), accuracy.masked, strict=True):
        assert f"1:{group}" == measured.shape and f"{measured.accuracies[0]:.1%}" in shown.stdout
        path = tmp_path / f"{name}_1_{group}.onnx"
        arrays = {each.name: to_array(each).copy() for each in onnx.load(path).graph.initializer}
        weights = {key.removesuffix(".weight"): torch.from_numpy(each) for key, each in arrays.items()}
        assert example.right(weights) == measured.accuracies[0]
        with np.load(path.with_suffix(".npz")) as data:
            image = data["image"][:1]
        wanted = module.scores(weights, torch.from_numpy(image)).numpy()
        (got,) = answers(path, {"image": image}).values()
        np.testing.assert_allclose(got, wanted, atol=1e-4)
        for layer, axis in example.masked.items():
            kept = np.count_nonzero(_groups(weights[layer].numpy(), axis, group), axis=1)
            assert kept.max() == 1 and kept.mean() > 0.9, layer
