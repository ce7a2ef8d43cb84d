"""Forms that quantised ONNX files come in: zero points left out, types by attribute, weights transposed."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from explore.network.models import answers, make, save
from explore.network.test_reading import same
from support.seed import SEED
from tileloom.errors import UserError
from tileloom.families import load
from tileloom_explore.network.layer import NetworkLayer
from tileloom_explore.network.mapping import map_layer
from tileloom_explore.network.network import read_network
from tileloom_explore.network.prepare import prepare
from tileloom_explore.network.prepared import read_prepared, to_bytes
from tileloom_explore.network.run import run_network
from tileloom_explore.network.sparsity import Sparsity

ROWS, INNER, COLUMNS = 3, 13, 7


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def product(
    rng: np.random.Generator, dtype: str, *, zero_points: bool, transposed: bool = False
) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return nodes that compute `m` of integers `x`, their constants, and the input."""
    limits = np.iinfo(dtype)
    constants: dict[str, np.ndarray] = {
        "xs": np.float32(0.03),
        "w": rng.integers(-128, 128, (COLUMNS, INNER) if transposed else (INNER, COLUMNS)).astype(np.int8),
        "ws": (rng.random(COLUMNS) * 0.05 + 0.01).astype(np.float32),
        "xz": np.array(limits.max - 40, dtype),
    }
    nodes = [
        make("DequantizeLinear", ["x", "xs", *["xz"] * zero_points], ["xf"]),
        make("DequantizeLinear", ["w", "ws"], ["wf"], axis=0 if transposed else -1),
        make("Transpose", ["wf"], ["wt"], perm=[1, 0]),
        make("MatMul", ["xf", "wt" if transposed else "wf"], ["m"], "product"),
    ]
    x = rng.integers(limits.min, limits.max + 1, (ROWS, INNER)).astype(dtype)
    return (nodes if transposed else [*nodes[:2], nodes[3]]), constants, {"x": x}


@pytest.mark.parametrize("config", ["stream-8x8-int8", "engine-int8", "xfu-cv32e40p"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("zero_points", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_the_integers_of_a_file_are_exact(
    tmp_path: Path, rng: np.random.Generator, config: str, dtype: str, zero_points: bool, transposed: bool
) -> None:
    nodes, constants, inputs = product(rng, dtype, zero_points=zero_points, transposed=transposed)
    path = save(tmp_path / "m.onnx", nodes, {"x": (dtype, [ROWS, INNER])}, ["m"], constants)
    hardware = load(config, **({"requantise": False} if config == "engine-int8" else {}))
    network = read_network(path)
    (layer,) = network.layers
    assert layer.quantisation is not None

    def compute(layer: NetworkLayer, tensor: np.ndarray) -> np.ndarray:
        image = layer.image(tensor)
        return layer.tensor(map_layer(hardware, layer).compute(image), tensor.shape)

    x = inputs["x"].astype(np.int64) - (int(constants["xz"]) if zero_points else 0)
    weights = constants["w"].astype(np.int64)
    sums = x @ (weights.T if transposed else weights)
    exact = sums * (constants["ws"].astype(np.float64) * float(constants["xs"]))
    found = network.run(inputs, compute)["m"]
    assert found.size == ROWS * COLUMNS
    assert np.allclose(found, exact, rtol=1e-6, atol=0)
    assert np.allclose(answers(path, inputs)["m"], exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("attribute", "dtype"), [(onnx.TensorProto.INT8, "int8"), (onnx.TensorProto.UINT8, "uint8"), (0, "uint8")]
)
def test_the_type_of_results_without_zero_point(
    tmp_path: Path, rng: np.random.Generator, attribute: int, dtype: str
) -> None:
    nodes, constants, inputs = product(rng, "int8", zero_points=True)
    nodes.append(make("QuantizeLinear", ["m", "ys"], ["y"], output_dtype=attribute))
    constants["ys"] = np.float32(1.5)
    path = save(tmp_path / "m.onnx", nodes, {"x": ("int8", [ROWS, INNER])}, ["y"], constants, opset=21)
    network = same(path, inputs)
    assert network.layers[0].quantisation is not None
    assert network.layers[0].quantisation.y_given
    assert answers(path, inputs)["y"].dtype == dtype


def test_weights_of_float8_are_no_integers(tmp_path: Path, rng: np.random.Generator) -> None:
    nodes = [make("DequantizeLinear", ["w", "s"], ["wf"]), make("MatMul", ["x", "wf"], ["y"], "product")]
    weights = rng.normal(size=(INNER, COLUMNS)).astype(ml_dtypes.float8_e4m3fn)
    constants = {"w": weights, "s": np.float32(0.5)}
    path = save(tmp_path / "m.onnx", nodes, {"x": ("float32", [ROWS, INNER])}, ["y"], constants, opset=19)
    network = same(path, {"x": rng.normal(size=(ROWS, INNER)).astype(np.float32)})
    assert network.reasons == {"product": "MatMul: both operands are computed; a layer has weights"}


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32"])
def test_products_of_long_integers_stay_on_the_host(
    tmp_path: Path, rng: np.random.Generator, dtype: str
) -> None:
    weights = rng.integers(0, 2**20, (INNER, COLUMNS)).astype(dtype)
    nodes = [make("MatMul", ["x", "w"], ["y"], "product")]
    path = save(tmp_path / "m.onnx", nodes, {"x": (dtype, [ROWS, INNER])}, ["y"], {"w": weights})
    network = same(path, {"x": rng.integers(0, 2**20, (ROWS, INNER)).astype(dtype)})
    told = f"MatMul: {dtype} operands; layers have floats, or integers of 8 bits"
    assert network.reasons == {"product": told}


@pytest.mark.parametrize(
    ("constants", "axis", "message"),
    [
        ({"ws": np.ones(5, np.float32)}, -1, "w (DequantizeLinear): 5 scales and 5 zero points along"),
        ({}, 4, "w (DequantizeLinear): 7 scales and 7 zero points along axis 4 of (13, 7)"),
        ({"wz": np.zeros(3, np.int8)}, 1, "w (DequantizeLinear): 7 scales and 3 zero points along axis 1"),
        ({"ws": np.zeros(7, np.float32)}, 1, "product (MatMul): scale[0] is not positive and finite"),
        ({"xs": np.float32(-1)}, 1, "product (MatMul): scale is not positive and finite"),
    ],
)
def test_mistakes(
    tmp_path: Path, rng: np.random.Generator, constants: dict[str, Any], axis: int, message: str
) -> None:
    nodes, right, _ = product(rng, "int8", zero_points=True)
    nodes[1] = make("DequantizeLinear", ["w", "ws", *["wz"] * ("wz" in constants)], ["wf"], "w", axis=axis)
    path = save(tmp_path / "m.onnx", nodes, {"x": ("int8", [ROWS, INNER])}, ["m"], right | constants)
    with pytest.raises(UserError) as error:
        read_network(path)
    assert str(error.value).startswith(f"{path}: {message}")


def dynamic(node: onnx.NodeProto, dtype: str = "float32") -> list[onnx.NodeProto]:
    """Return a graph as onnxruntime's dynamic quantisation makes it, around an integer product `sums`."""
    return [
        make("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        node,
        make("Cast", ["sums"], ["floats"], to=onnx.TensorProto.FLOAT),
        make("Mul", ["scale", "ws"], ["worth"]),
        make("Mul", ["floats", "worth"], ["y"]),
    ]


@pytest.mark.parametrize("config", ["stream-8x8-int8", "engine-int8", "xfu-cv32e40p"])
@pytest.mark.parametrize(
    ("operator", "shape", "weights", "attributes"),
    [
        ("MatMulInteger", (9,), (9, 5), {}),
        ("MatMulInteger", (3, 9), (9, 5), {}),
        ("MatMulInteger", (2, 3, 9), (2, 9, 5), {}),
        ("ConvInteger", (2, 4, 6, 7), (6, 2, 3, 2), {"group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ("ConvInteger", (1, 3, 9), (4, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2]}),
    ],
)
def test_zero_points_that_are_computed(
    tmp_path: Path,
    rng: np.random.Generator,
    config: str,
    operator: str,
    shape: tuple[int, ...],
    weights: tuple[int, ...],
    attributes: dict[str, Any],
) -> None:
    """The integer product is on hardware, exactly; zero point and scale are the host's."""
    wz = np.uint8(119)
    constants = {"w": rng.integers(0, 256, weights).astype(np.uint8), "wz": wz, "ws": np.float32(0.01)}
    node = make(operator, ["q", "w", "zero", "wz"], ["sums"], "product", **attributes)
    path = save(tmp_path / "m.onnx", dynamic(node), {"x": ("float32", list(shape))}, ["y"], constants)
    x = (rng.normal(size=shape) + 0.7).astype(np.float32)
    hardware = load(config, **({"requantise": False} if config == "engine-int8" else {}))
    network = read_network(path)
    assert [layer.name for layer in network.layers] == ["product"]
    assert network.remarks[0].startswith(f"{path}: product: its zero point zero is computed")
    ran = []

    def on_hardware(layer: NetworkLayer, tensor: np.ndarray) -> np.ndarray:
        ran.append(layer.name)
        return layer.tensor(map_layer(hardware, layer).compute(layer.image(tensor)), tensor.shape)

    found = network.run({"x": x}, on_hardware)["y"]
    assert np.array_equal(found, answers(path, {"x": x})["y"])
    assert ran == ["product"]


def test_a_computed_zero_point_is_subtracted_times_the_weights_that_are_left(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """Pruned, saved and read again, as onnxruntime has it with pruned weights; beside the original's."""
    node = make("ConvInteger", ["q", "w", "zero", "wz"], ["sums"], "product", pads=[1, 1, 1, 1])
    constants = {"wz": np.uint8(119), "ws": np.float32(0.01)}
    constants["w"] = rng.integers(0, 256, (9, 3, 3, 3)).astype(np.uint8)
    x = {"x": (rng.normal(size=(1, 3, 6, 5)) - 0.7).astype(np.float32)}
    inputs = {"x": ("float32", [1, 3, 6, 5])}
    path = save(tmp_path / "m.onnx", dynamic(node), inputs, ["y"], constants)
    config = load("stream-8x8-int8")
    done = prepare(read_network(path), config, sparsity=Sparsity("tiles", 0.4)).prepared
    (tmp_path / "m.tileloom.npz").write_bytes(to_bytes(done))
    prepared = read_prepared(tmp_path / "m.tileloom.npz")
    found = run_network(prepared, config, [x])
    assert np.array_equal(found.original["y"], answers(path, x)["y"])
    weights = prepared.network.layers[0].weights.transpose(0, 3, 1, 2).astype(np.uint8)
    assert (weights == 119).mean() > 0.05  # small tiles, at the edges, go first
    path = save(tmp_path / "n.onnx", dynamic(node), inputs, ["y"], constants | {"w": weights})
    assert np.array_equal(found.outputs["y"], answers(path, x)["y"])


def test_a_computed_zero_point_of_computed_weights_stays_on_the_host(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    node = make("MatMulInteger", ["q", "q", "zero", "zero"], ["sums"], "product")
    constants = {"ws": np.float32(0.01)}
    path = save(tmp_path / "m.onnx", dynamic(node), {"x": ("float32", [4, 4])}, ["y"], constants)
    network = same(path, {"x": rng.normal(size=(4, 4)).astype(np.float32)})
    assert network.reasons == {"product": "MatMulInteger: both operands are computed; a layer has weights"}
    assert not network.remarks


def test_numbers_of_zero_points_and_scales(tmp_path: Path, rng: np.random.Generator) -> None:
    names = ["x", "s", "z", "w", "ws", "wz", "s", "z"]
    right = {"s": np.float32(0.1), "z": np.uint8(3), "ws": np.ones(3, np.float32), "wz": np.zeros(3, np.int8)}
    right["w"] = rng.integers(-9, 9, (3, 2, 3, 3)).astype(np.int8)
    for wrong, what in (("wz", "zero points"), ("ws", "scales")):
        constants = right | {wrong: right[wrong][:2]}
        node = make("QLinearConv", names, ["y"], "conv")
        path = save(tmp_path / "m.onnx", [node], {"x": ("uint8", [1, 2, 5, 5])}, ["y"], constants)
        with pytest.raises(UserError) as error:
            read_network(path)
        assert str(error.value) == f"{path}: conv (QLinearConv): 2 {what} for 3 output channels"
