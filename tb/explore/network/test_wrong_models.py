"""ONNX files that are wrong, or odd: each mistake is one line that names the node; what is odd is right."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from explore.network.models import make, save
from explore.network.test_reading import floats, same
from support.seed import SEED
from tileloom.errors import UserError
from tileloom.families import load
from tileloom_explore.network.network import read_network
from tileloom_explore.network.prepare import input_shapes, prepare


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def mistake(path: Path) -> str:
    """Return what is said of a model as it is read and its shapes are looked at."""
    with pytest.raises(UserError) as error:
        input_shapes(read_network(path))
    (line,) = str(error.value).splitlines()
    return line.removeprefix(f"{path}: ")


def model(path: Path, node: onnx.NodeProto, x: tuple[int, ...], constants: dict[str, np.ndarray]) -> Path:
    """Write a model of one node from `x` to `y`, with no shape inferred, so that nobody has seen it."""
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "test",
        [tensor("x", onnx.TensorProto.FLOAT, x)],
        [tensor("y", onnx.TensorProto.FLOAT, [None] * len(x))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("shape", "attributes", "message"),
    [
        ((3, 5, 3, 3), {}, "c (Conv): x has the shape (1, 4, 6, 6), and the weights take 5 channels"),
        ((3, 2, 3, 3), {"group": 2}, "c (Conv): weights of shape (3, 2, 3, 3) with 2 groups"),
        ((4, 4, 3, 3), {"group": 0}, "c (Conv): weights of shape (4, 4, 3, 3) with 0 groups"),
        ((0, 4, 3, 3), {}, "c (Conv): weights of shape (0, 4, 3, 3)"),
        ((3, 4, 3, 3), {"kernel_shape": [5, 5]}, "c (Conv): weights of shape (3, 4, 3, 3) with 1 groups"),
        ((3, 4, 3, 3), {"pads": [1, 1]}, "c (Conv): Attribute pads has incorrect size"),
        ((3, 4, 3, 3), {"pads": [-1, 0, 0, 0]}, "c (Conv): Attribute pads must not contain negative"),
        ((3, 4, 3, 3), {"strides": [0, 1]}, "c (Conv): Attribute strides must only contain positive"),
        ((3, 4, 3, 3), {"dilations": [0, 0]}, "c (Conv): Attribute dilations must only contain positive"),
        ((3, 4, 3, 3), {"auto_pad": "SAME"}, "c (Conv): auto_pad is SAME; must be one of NOTSET, VALID"),
        ((3, 4, 3), {}, "c (Conv): Number of spatial dimensions in the weight tensor (1) does not match"),
        ((3, 4, 9, 9), {}, "c (Conv): a window of 9 x 9 does not fit 6 x 6"),
    ],
)
def test_convolutions_that_none_can_be(
    tmp_path: Path, rng: np.random.Generator, shape: tuple[int, ...], attributes: dict[str, Any], message: str
) -> None:
    node = make("Conv", ["x", "w"], ["y"], "c", **attributes)
    path = model(tmp_path / "m.onnx", node, (1, 4, 6, 6), {"w": floats(rng, *shape)})
    assert mistake(path).startswith(message)


@pytest.mark.parametrize(
    ("operator", "x", "w", "message"),
    [
        ("MatMul", (2, 4), (5, 3), "p (MatMul): Incompatible dimensions for matrix multiplication"),
        ("Gemm", (2, 4), (5, 3), "p (Gemm): Dimension mismatch in unification between 5 and 4"),
        ("Gemm", (2, 2, 4), (4, 3), "p (Gemm): Input 0 expected to have rank 2 but has rank 3"),
        ("Gemm", (2, 4), (4, 3, 1), "p (Gemm): Input 1 expected to have rank 2 but has rank 3"),
    ],
)
def test_products_that_none_can_be(
    tmp_path: Path,
    rng: np.random.Generator,
    operator: str,
    x: tuple[int, ...],
    w: tuple[int, ...],
    message: str,
) -> None:
    node = make(operator, ["x", "w"], ["y"], "p")
    assert mistake(model(tmp_path / "m.onnx", node, x, {"w": floats(rng, *w)})).startswith(message)


def test_weights_that_become_infinite(tmp_path: Path, rng: np.random.Generator) -> None:
    told = "beyond float32, or NaN, with all that is folded into them"
    for number, alpha in enumerate((3e38, float("nan"))):
        node = make("Gemm", ["x", "w"], ["y"], "p", alpha=alpha)
        path = model(tmp_path / f"{number}.onnx", node, (2, 4), {"w": 100 * floats(rng, 4, 3)})
        assert mistake(path) == f"p (Gemm): weights {told}"
    double = make("MatMul", ["x", "w"], ["y"], "p")
    inputs = {"x": ("float64", [2, 4])}
    path = save(tmp_path / "d.onnx", [double], inputs, ["y"], {"w": np.full((4, 3), 1e300)})
    assert mistake(path) == f"p (MatMul): weights {told}"
    right = {"s": floats(rng, 5), "h": floats(rng, 5), "m": floats(rng, 5), "v": rng.random(5)}
    for wrong in ({"s": np.full(5, np.nan)}, {"v": np.full(5, -1.0)}, {"s": np.full(5, 3e38)}):
        constants = {name: np.asarray(array, np.float32) for name, array in (right | wrong).items()}
        nodes = [
            make("Conv", ["x", "w"], ["c"], "conv"),
            make("BatchNormalization", ["c", *right], ["y"], "normal", epsilon=0.1),
        ]
        constants["w"] = 9 * floats(rng, 5, 4, 3, 3)
        path = save(tmp_path / "b.onnx", nodes, {"x": ("float32", [1, 4, 6, 6])}, ["y"], constants)
        assert mistake(path) == f"conv (Conv): weights {told}"


def test_an_output_whose_type_nobody_knows(tmp_path: Path, rng: np.random.Generator) -> None:
    path = model(tmp_path / "a.onnx", make("Foo", ["x"], ["y"], "strange", domain="mine"), (2, 4), {})
    untyped = onnx.load(path)
    untyped.graph.output[0].ClearField("type")
    untyped.opset_import.append(helper.make_opsetid("mine", 1))
    onnx.save(untyped, path)
    assert mistake(path) == "output y: its type is not known; give it one in the file"


def test_what_onnx_refuses_names_the_node(tmp_path: Path, rng: np.random.Generator) -> None:
    path = model(tmp_path / "a.onnx", make("Foo", ["x"], ["y"], "strange"), (2, 4), {})
    assert "No Op registered for Foo" in mistake(path)
    assert "Name: strange OpType: Foo" in mistake(path)
    path = model(tmp_path / "b.onnx", make("Relu", ["nothing"], ["y"], "early"), (2, 4), {})
    assert "name: early" in mistake(path)
    node = make("BatchNormalization", ["x", "s", "s", "s", "s"], ["y"], "normal")
    path = model(tmp_path / "c.onnx", node, (1, 4, 6, 6), {"s": floats(rng, 3), "w": floats(rng, 1)})
    assert mistake(path).count("onnxruntime cannot run normal") == 1


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("bias", [None, (5,), (3, 1), (3, 5)])
def test_gemm_of_other_floats(
    tmp_path: Path, rng: np.random.Generator, dtype: str, bias: tuple[int, ...] | None
) -> None:
    # Small integers: float16 holds every sum, whatever the order.
    def small(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(dtype)

    constants = {"w": small(4, 5)} | ({} if bias is None else {"c": small(*bias)})
    node = make("Gemm", ["x", "w", *["c"] * (bias is not None)], ["y"], "gemm", alpha=0.5, beta=2.0)
    path = save(tmp_path / "m.onnx", [node], {"x": (dtype, [3, 4])}, ["y"], constants)
    assert len(same(path, {"x": small(3, 4)}).layers) == 1


@pytest.mark.parametrize(
    ("equation", "x", "w", "layers"),
    [
        ("...ij,jk", (2, 3, 4), (4, 5), 1),
        ("ij...,jk->ik...", (3, 4, 2), (4, 5), 1),
        ("ij,->ij", (3, 4), (), 0),
        ("bij,jk->bik", (2, 3, 1), (4, 5), 0),
        ("bij,bjk->bik", (2, 3, 4), (1, 4, 5), 0),
        ("...bij,bjk->...bik", (1, 3, 4), (2, 4, 5), 0),
    ],
)
def test_einsum(
    tmp_path: Path,
    rng: np.random.Generator,
    equation: str,
    x: tuple[int, ...],
    w: tuple[int, ...],
    layers: int,
) -> None:
    nodes = [make("Einsum", ["x", "w"], ["y"], "einsum", equation=equation)]
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", list(x))}, ["y"], {"w": floats(rng, *w)})
    assert len(same(path, {"x": floats(rng, *x)}).layers) == layers


def test_loops_on_the_host(tmp_path: Path, rng: np.random.Generator) -> None:
    def tensor(name: str, shape: list[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    # The body's own inputs are called as nothing outside is; `w` and the layer's `h` are from outside.
    body = helper.make_graph(
        [make("Add", ["sum", "each"], ["next"]), make("Mul", ["next", "w"], ["out"])],
        "body",
        [tensor("sum", [4]), tensor("each", [4])],
        [tensor("next", [4]), tensor("out", [4])],
    )
    nodes = [
        make("MatMul", ["x", "v"], ["h"], "product"),
        make("Scan", ["w", "h"], ["last", "y"], "scan", body=body, num_scan_inputs=1),
    ]
    constants = {"v": floats(rng, 4, 4), "w": floats(rng, 4)}
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", [3, 4])}, ["y"], constants)
    assert [layer.name for layer in same(path, {"x": floats(rng, 3, 4)}).layers] == ["product"]


@pytest.mark.parametrize("transposes", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("bias", [None, (), (6,), (5, 1), (5, 6)])
def test_gemm_whose_weights_are_on_the_left(
    tmp_path: Path, rng: np.random.Generator, transposes: tuple[int, int], bias: tuple[int, ...] | None
) -> None:
    x, w = ((6, 4) if transposes[1] else (4, 6)), ((4, 5) if transposes[0] else (5, 4))
    constants = {"w": floats(rng, *w)} | ({} if bias is None else {"c": floats(rng, *bias)})
    attributes = {"transA": transposes[0], "transB": transposes[1], "alpha": 0.5, "beta": -2.0}
    node = make("Gemm", ["w", "x", *["c"] * (bias is not None)], ["y"], "gemm", **attributes)
    path = save(tmp_path / "m.onnx", [node], {"x": ("float32", list(x))}, ["y"], constants)
    assert len(same(path, {"x": floats(rng, *x)}).layers) == 1


@pytest.mark.parametrize("operator", ["Gemm", "MatMul", "Einsum"])
def test_weights_of_nothing_are_the_hosts(tmp_path: Path, rng: np.random.Generator, operator: str) -> None:
    attributes = {"equation": "ij,jk->ik"} if operator == "Einsum" else {}
    node = make(operator, ["x", "w"], ["y"], "p", **attributes)
    path = model(tmp_path / "m.onnx", node, (2, 4), {"w": floats(rng, 4, 0)})
    network = read_network(path)
    assert network.reasons == {"p": f"{operator}: w has the shape (4, 0): there is nothing to multiply"}
    with pytest.raises(UserError, match=r"^the network has no layer: p \(\w+: w has the shape \(4, 0\)"):
        prepare(network, load("stream-8x8-fp32"))


def test_operands_of_types_that_do_not_go_together(tmp_path: Path, rng: np.random.Generator) -> None:
    node = make("MatMul", ["x", "w"], ["y"], "p")
    path = model(tmp_path / "m.onnx", node, (2, 4), {"w": floats(rng, 4, 3)})
    for dtype, message in (
        (onnx.TensorProto.STRING, "A typestr: T, has unsupported type: tensor(string)"),
        (onnx.TensorProto.DOUBLE, "B has inconsistent type tensor(float)"),
    ):
        wrong = onnx.load(path)
        wrong.graph.input[0].type.tensor_type.elem_type = dtype
        onnx.save(wrong, tmp_path / "w.onnx")
        assert message in mistake(tmp_path / "w.onnx")
        assert "p (MatMul): " in mistake(tmp_path / "w.onnx")


def test_weights_that_are_computed_to_nan(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [make("Log", ["v"], ["w"], "log"), make("MatMul", ["x", "w"], ["y"], "p")]
    path = save(
        tmp_path / "m.onnx", nodes, {"x": ("float32", [2, 4])}, ["y"], {"v": -np.ones((4, 3), np.float32)}
    )
    assert mistake(path) == "p (MatMul): w[0, 0] is NaN or infinite"
