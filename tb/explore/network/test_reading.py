"""ONNX files as networks: what they compute is what onnxruntime computes, and products are found in them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from explore.network.models import answers, make, perceptron, save
from support.seed import SEED
from tileloom.errors import UserError
from tileloom_explore.network.network import Network, read_network
from tileloom_explore.network.reference import reference


def same(path: Path, inputs: dict[str, np.ndarray], **options: Any) -> Network:
    """Return the network of a file, having compared what it computes with onnxruntime."""
    network = read_network(path, **options)
    wanted, found = answers(path, inputs), network.run(inputs, reference)
    assert wanted.keys() == found.keys()
    for name, array in wanted.items():
        assert found[name].shape == array.shape
        assert found[name].dtype == array.dtype
        if array.dtype.kind == "f":
            assert np.allclose(found[name], array, rtol=1e-4, atol=1e-5), name
        else:
            assert np.array_equal(found[name], array), name
    return network


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def test_a_perceptron_is_layers_with_their_activations(tmp_path: Path, rng: np.random.Generator) -> None:
    network = same(perceptron(tmp_path / "m.onnx", rng), {"x": floats(rng, 1, 20)})
    assert [(layer.name, layer.relu) for layer in network.layers] == [("fc0", True), ("fc1", False)]
    assert len(network.steps) == 2  # the ReLU went with its layer


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("auto", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])
def test_convolutions(tmp_path: Path, rng: np.random.Generator, axes: int, auto: str) -> None:
    for case in range(6):
        groups = int(rng.integers(1, 4))
        window = [int(each) for each in rng.integers(1, 4, axes)]
        attributes: dict[str, Any] = {
            "strides": [int(each) for each in rng.integers(1, 4, axes)],
            "group": groups,
        }
        if auto == "NOTSET":
            attributes["dilations"] = [int(each) for each in rng.integers(1, 3, axes)]
            attributes["pads"] = [int(each) for each in rng.integers(0, 3, 2 * axes)]
        else:
            attributes["auto_pad"] = auto
        size = [int(each) for each in rng.integers(7, 12, axes)]
        constants = {"w": floats(rng, 2 * groups, 3, *window), "b": floats(rng, 2 * groups)}
        path = save(
            tmp_path / f"{case}.onnx",
            [make("Conv", ["x", "w", "b"], ["y"], "conv", kernel_shape=window, **attributes)],
            {"x": ("float32", [2, 3 * groups, *size])},
            ["y"],
            constants,
        )
        network = same(path, {"x": floats(rng, 2, 3 * groups, *size)})
        assert len(network.layers) == 1


def test_a_batch_normalisation_is_folded(tmp_path: Path, rng: np.random.Generator) -> None:
    names = ["scale", "shift", "mean"]
    constants = {name: floats(rng, 4) for name in names} | {"variance": rng.random(4).astype(np.float32)}
    path = save(
        tmp_path / "m.onnx",
        [
            make("Conv", ["x", "w"], ["c"], "conv"),
            make("BatchNormalization", ["c", *names, "variance"], ["n"], epsilon=1e-3),
            make("Relu", ["n"], ["y"]),
        ],
        {"x": ("float32", [1, 3, 6, 6])},
        ["y"],
        constants | {"w": floats(rng, 4, 3, 3, 3)},
    )
    network = same(path, {"x": floats(rng, 1, 3, 6, 6)})
    assert len(network.steps) == 1
    assert network.layers[0].relu


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3, 4), (4, 5)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (2, 4, 5)),
        ((1, 3, 4), (2, 4, 5)),
        ((2, 3, 4), (1, 4, 5)),
        ((3, 1, 3, 4), (1, 2, 4, 2)),
        ((4,), (2, 4, 5)),
        ((2, 2, 3, 4), (4,)),
        ((3, 4), (2, 4, 5)),
    ],
)
@pytest.mark.parametrize("weights", ["left", "right"])
def test_matrix_products_over_any_axes(
    tmp_path: Path, rng: np.random.Generator, left: tuple[int, ...], right: tuple[int, ...], weights: str
) -> None:
    shapes = {"a": left, "b": right}
    held = "a" if weights == "left" else "b"
    given = "b" if weights == "left" else "a"
    path = save(
        tmp_path / "m.onnx",
        [make("MatMul", ["a", "b"], ["y"], "product")],
        {given: ("float32", list(shapes[given]))},
        ["y"],
        {held: floats(rng, *shapes[held])},
    )
    network = same(path, {given: floats(rng, *shapes[given])})
    assert len(network.layers) == 1


@pytest.mark.parametrize(
    ("equation", "x", "w"),
    [
        ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
        ("btd,dhe->bhte", (2, 3, 4), (4, 2, 5)),
        ("...k,nk->...n", (2, 3, 4), (5, 4)),
        ("ij,j->i", (3, 4), (4,)),
        ("ij,jk", (3, 4), (4, 5)),
        ("abij,jia->ba", (2, 3, 4, 5), (5, 4, 2)),
    ],
)
def test_einsum_where_it_is_a_product(
    tmp_path: Path, rng: np.random.Generator, equation: str, x: tuple[int, ...], w: tuple[int, ...]
) -> None:
    path = save(
        tmp_path / "m.onnx",
        [make("Einsum", ["x", "w"], ["y"], "einsum", equation=equation)],
        {"x": ("float32", list(x))},
        ["y"],
        {"w": floats(rng, *w)},
    )
    assert len(same(path, {"x": floats(rng, *x)}).layers) == 1


@pytest.mark.parametrize("bias", [(), (1,), (4,), (1, 4), (3, 1), (3, 4)])
def test_gemm_with_every_bias(tmp_path: Path, rng: np.random.Generator, bias: tuple[int, ...]) -> None:
    for case in range(4):
        trans = {"transA": case % 2, "transB": case // 2}
        path = save(
            tmp_path / f"{case}.onnx",
            [make("Gemm", ["x", "w", "c"], ["y"], "gemm", alpha=0.25, beta=0.35, **trans)],
            {"x": ("float32", [5, 3] if case % 2 else [3, 5])},
            ["y"],
            {"w": floats(rng, *((4, 5) if case // 2 else (5, 4))), "c": floats(rng, *bias)},
        )
        assert len(same(path, {"x": floats(rng, *((5, 3) if case % 2 else (3, 5)))}).layers) == 1


def quantised_graph(rng: np.random.Generator, per_channel: bool) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Return nodes and constants of a convolution between DequantizeLinear and QuantizeLinear."""
    size = 6 if per_channel else ()
    constants = {
        "xs": np.float32(0.03),
        "xz": np.uint8(131),
        "w": rng.integers(-128, 128, (6, 4, 3, 3)).astype(np.int8),
        "ws": np.asarray(rng.random(size) * 0.01 + 0.001, np.float32),
        "wz": np.zeros(size, np.int8),
        "b": rng.integers(-4000, 4000, 6).astype(np.int32),
        "bz": np.zeros(size, np.int32),
        "ys": np.float32(0.05),
        "yz": np.uint8(7),
    }
    constants["bs"] = constants["xs"] * constants["ws"]
    axis = {"axis": 0} if per_channel else {}
    nodes = [
        make("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        make("DequantizeLinear", ["w", "ws", "wz"], ["wf"], **axis),
        make("DequantizeLinear", ["b", "bs", "bz"], ["bf"], **axis),
        make("Conv", ["xf", "wf", "bf"], ["c"], "conv", pads=[1, 2, 0, 1], strides=[2, 2]),
        make("Relu", ["c"], ["r"]),
    ]
    return nodes, constants


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("quantised", [False, True])
def test_a_qdq_graph_is_integer_layers(
    tmp_path: Path, rng: np.random.Generator, per_channel: bool, quantised: bool
) -> None:
    nodes, constants = quantised_graph(rng, per_channel)
    if quantised:
        nodes += [make("QuantizeLinear", ["r", "ys", "yz"], ["y"])]
    else:
        nodes += [make("Identity", ["r"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, {"x": ("uint8", [1, 4, 7, 8])}, ["y"], constants)
    x = rng.integers(0, 256, (1, 4, 7, 8)).astype(np.uint8)
    network = read_network(path)
    (layer,) = network.layers
    assert layer.quantisation is not None
    assert (layer.input, layer.relu, layer.quantisation.y is not None) == ("x", True, quantised)
    assert np.array_equal(layer.weights, constants["w"].transpose(0, 2, 3, 1))
    assert layer.bias is not None
    assert np.array_equal(layer.bias, constants["b"])
    found, wanted = network.run({"x": x}, reference)["y"], answers(path, {"x": x})["y"]
    # onnxruntime multiplies floats here: a result on a half may go the other way.
    off = np.abs(found.astype(float) - wanted)
    assert off.max() <= (1 if quantised else 1e-4)
    assert np.count_nonzero(off) <= off.size / 100 or not quantised


def test_older_opsets(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [make("Gemm", ["x", "w"], ["s"], "gemm"), make("Softmax", ["s"], ["y"], axis=1)]
    inputs, constants = {"x": ("float32", [3, 4])}, {"w": floats(rng, 4, 5)}
    path = save(tmp_path / "a.onnx", nodes, inputs, ["y"], constants, opset=11)
    assert len(same(path, {"x": floats(rng, 3, 4)}).layers) == 1
    path = save(tmp_path / "b.onnx", nodes, inputs, ["y"], constants, opset=8)
    with pytest.raises(UserError, match=r"b\.onnx: opset 8; convert the model to 9 or later"):
        read_network(path)


def test_what_is_constant_is_computed_once(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [
        make("Transpose", ["v"], ["w"], perm=[1, 0]),
        make("MatMul", ["x", "w"], ["y"], "product"),
        make("Mul", ["v", "v"], ["z"]),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", [3, 4])}, ["y", "z"], {"v": floats(rng, 5, 4)})
    assert len(same(path, {"x": floats(rng, 3, 4)}).steps) == 2


def test_products_of_what_is_computed_stay_on_the_host(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [
        make("MatMul", ["x", "w"], ["q"], "query"),
        make("Transpose", ["q"], ["k"], perm=[1, 0]),
        make("MatMul", ["q", "k"], ["s"], "scores"),
        make("Softmax", ["s"], ["y"]),
        make("ConvTranspose", ["i", "t"], ["u"], "up"),
    ]
    inputs = {"x": ("float32", [3, 4]), "i": ("float32", [1, 2, 4, 4])}
    constants = {"w": floats(rng, 4, 5), "t": floats(rng, 2, 3, 2, 2)}
    path = save(tmp_path / "m.onnx", nodes, inputs, ["y", "u"], constants)
    network = same(path, {"x": floats(rng, 3, 4), "i": floats(rng, 1, 2, 4, 4)})
    assert [layer.name for layer in network.layers] == ["query"]
    assert network.reasons == {
        "scores": "MatMul: both operands are computed; a layer has weights",
        "up": "ConvTranspose: no layer is made of it",
    }


def test_layers_can_be_left_to_the_host(tmp_path: Path, rng: np.random.Generator) -> None:
    path = perceptron(tmp_path / "m.onnx", rng)
    network = same(path, {"x": floats(rng, 1, 20)}, host=["fc1"])
    assert [layer.name for layer in network.layers] == ["fc0"]
    with pytest.raises(UserError, match="'fc9' fits no layer"):
        read_network(path, host=["fc9"])


def test_external_data(tmp_path: Path, rng: np.random.Generator) -> None:
    path = perceptron(tmp_path / "m.onnx", rng)
    onnx.save(
        onnx.load(path),
        tmp_path / "e.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    assert len(read_network(tmp_path / "e.onnx").layers) == 2
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(UserError, match=r"e\.onnx: .*weights\.bin"):
        read_network(tmp_path / "e.onnx")


def refused(tmp_path: Path, nodes: list[Any], constants: dict[str, np.ndarray], **options: Any) -> str:
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", ["batch", 4])}, ["y"], constants)
    with pytest.raises(UserError) as error:
        read_network(path, **options)
    (line,) = str(error.value).splitlines()
    return re.sub(r"^.*m\.onnx", "m.onnx", line)


def test_mistakes_name_the_node_or_the_input(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [make("MatMul", ["x", "w"], ["y"], "product")]
    w = floats(rng, 4, 5)
    assert refused(tmp_path, nodes, {"w": w}) == (
        "m.onnx: input x has the shape batch,4: say its sizes, --shape x=..."
    )
    shapes = {"shapes": {"x": (3, 4)}}
    w[2, 3] = np.nan
    assert refused(tmp_path, nodes, {"w": w}, **shapes) == (
        "m.onnx: product (MatMul): w[2, 3] is NaN or infinite"
    )
    assert "m.onnx has batch,4" in refused(tmp_path, nodes, {"w": w}, shapes={"x": (3, 5)})
    assert "m.onnx has no such input; inputs: x" in refused(tmp_path, nodes, {"w": w}, shapes={"z": (3, 5)})
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"no\.onnx: not an ONNX"):
        read_network(tmp_path / "no.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.onnx: not an ONNX"):
        read_network(tmp_path / "empty.onnx")


def test_nodes_of_one_name_are_told_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [
        make("MatMul", ["x", "w"], ["h"], "p"),
        make("Relu", ["h"], ["r"], "r"),
        make("Exp", ["r"], ["e"], "r"),
        make("MatMul", ["e", "w"], ["i"], "p"),
        make("MatMul", ["i", "w"], ["y"], "p.2"),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", [3, 4])}, ["y"], {"w": floats(rng, 4, 4)})
    network = read_network(path)
    assert [layer.name for layer in network.layers] == ["p", "p.3", "p.2"]
    assert network.remarks == [f"{path}: several nodes are called p; that of output i is p.3 here"]
    model = onnx.load(path)  # onnxruntime wants them apart
    for index, node in enumerate(model.graph.node):
        node.name = str(index)
    onnx.save(model, tmp_path / "n.onnx")
    x = floats(rng, 3, 4)
    assert np.allclose(network.run({"x": x}, reference)["y"], answers(tmp_path / "n.onnx", {"x": x})["y"])
