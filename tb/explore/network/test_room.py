"""A few bytes that ask for more than the machine has are refused before anything is computed."""

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from explore.network.models import make, save
from tileloom.errors import UserError
from tileloom.families import load
from tileloom_explore.network import room
from tileloom_explore.network.mapping import RefusedError, map_layer
from tileloom_explore.network.network import read_network
from tileloom_explore.network.prepare import input_shapes
from tileloom_explore.network.single import Single, read_single

HUGE = 10**12
W = np.ones((2, 1, 1, 1), np.float32)


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([make("Conv", ["x", "w"], ["y"], name="c", pads=[HUGE] * 4)], {"w": W}, "y: 1 x 2 x "),
        (
            [make("Conv", ["x", "w"], ["z"], name="c"), make("Expand", ["z", "s"], ["y"])],
            {"w": W, "s": np.array([HUGE, 2, 9, 9])},
            f"y: {HUGE} x 2 x 9 x 9 ",
        ),
        (
            [make("ConstantOfShape", ["s"], ["f"], name="fill"), make("MatMul", ["x", "f"], ["y"])],
            {"s": np.array([HUGE, 9, HUGE])},
            f"fill (ConstantOfShape): f: {HUGE} x 9 x {HUGE} ",
        ),
    ],
)
def test_what_follows_from_a_file(nodes, constants, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    tensor = partial(helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
    initial = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    inputs, outputs = [tensor("x", shape=[1, 1, 9, 9])], [tensor("y", shape=[None] * 4)]
    graph = helper.make_graph(nodes, "test", inputs, outputs, initial)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(UserError) as error:
        input_shapes(read_network(path))
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{path}: {message}") and "a quarter of this machine's memory" in line


def test_the_shape_of_an_input(tmp_path: Path) -> None:
    node = make("Conv", ["x", "w"], ["y"], name="c")
    path = save(tmp_path / "m.onnx", [node], {"x": ("float32", ["N", 1, 9, 9])}, ["y"], {"w": W})
    with pytest.raises(UserError, match=rf"input x: {HUGE} x 1 x 9 x 9 would take .* GiB"):
        read_network(path, {"x": (HUGE, 1, 9, 9)})
    np.savez(tmp_path / "l.npz", weight=W)
    single = Single(layout="OIHW")
    with pytest.raises(UserError, match=r"^--shape x: .* would take"):
        read_single(tmp_path / "l.npz", single, {"x": (HUGE, 1, HUGE, 9)})


def test_groups_as_a_dense_convolution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "l.npz", weight=np.ones((64, 1, 3, 3), np.float32))
    network = read_single(tmp_path / "l.npz", Single(layout="OIHW", groups=64), {"x": (1, 64, 3, 3)})
    (layer,) = network.layers
    dense = 64 * 64 * 9 * 4
    monkeypatch.setattr(room, "memory", lambda: 4 * dense)
    map_layer(load("sasp-4x4-fp32"), layer)
    monkeypatch.setattr(room, "memory", lambda: 4 * dense - 4)
    with pytest.raises(RefusedError, match=r"^weight: weights of 64 groups as dense ones: 64 x 3 x 3 x 64 "):
        map_layer(load("sasp-4x4-fp32"), layer)
