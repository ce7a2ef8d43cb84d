"""Products of two activations are cut out of what the host runs, and go to the array with its weights."""

from pathlib import Path

import numpy as np
import pytest

from explore.network.models import answers, make, save
from support.seed import SEED
from tileloom.families import load
from tileloom_explore.network.attention import ComputedProduct, split_segment, with_products
from tileloom_explore.network.host import Segment
from tileloom_explore.network.network import Network, read_network
from tileloom_explore.network.sweep import Variant, sweep
from tileloom_golden.formats import Integer
from tileloom_golden.systolic.attention import computed_product

WIDTH, LENGTH = 12, 9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(SEED)
    weights = {name: rng.normal(size=(WIDTH, WIDTH)).astype(np.float32) / 3 for name in "qkvo"}
    nodes = [
        *(make("MatMul", ["x", name], [f"{name}s"], name) for name in "qkv"),
        make("Transpose", ["ks"], ["turned"], perm=[0, 2, 1]),
        make("MatMul", ["qs", "turned"], ["scores"], "looks"),
        make("Softmax", ["scores"], ["shares"], axis=-1),
        make("MatMul", ["shares", "vs"], ["context"], "uses"),
        make("Add", ["context", "qs"], ["sum"]),
        make("MatMul", ["sum", "o"], ["y"], "out"),
    ]
    shape = {"x": ("float32", [2, LENGTH, WIDTH])}
    return save(tmp_path / "attention.onnx", nodes, shape, ["y"], weights)


@pytest.fixture
def network(path: Path) -> Network:
    return read_network(path)


def test_a_segment_is_cut_at_its_products(network: Network) -> None:
    (segment,) = (step for step in network.steps if isinstance(step, Segment))
    parts = split_segment(segment)
    kinds = [each.name if isinstance(each, ComputedProduct) else each.operators for each in parts]
    assert kinds == [["Transpose"], "looks", ["Softmax"], "uses", ["Add"]]
    (plain,) = (each for each in parts if isinstance(each, Segment) and each.operators == ["Add"])
    assert split_segment(plain) == [plain]
    assert len(with_products(network.steps)) == len(network.steps) + 4


def test_the_array_has_attention_too(path: Path, network: Network) -> None:
    x = np.random.default_rng(SEED).normal(size=(2, LENGTH, WIDTH)).astype(np.float32)
    arrays = [load(f"sasp-4x4-{weights}") for weights in ("fp32", "int8")]
    variants = [Variant(config, 0.0, attention=each) for config in arrays for each in (False, True)]
    outputs = [outputs["y"] for _, outputs in sweep(network, variants, [{"x": x}])]
    assert all(np.allclose(each, outputs[0], rtol=1e-4, atol=1e-4) for each in outputs[:2])
    assert np.allclose(outputs[0], answers(path, {"x": x})["y"], rtol=1e-4, atol=1e-4)
    # With INT8 keys and values the rest of the error is that of 7 bits, and there is some.
    difference = np.abs(outputs[3] - outputs[2]).max()
    assert 1e-4 < difference < 0.2


def test_it_is_the_golden_models_product() -> None:
    rng = np.random.default_rng(SEED)
    tensors = {name: rng.normal(size=(2, 5, 5)).astype(np.float32) for name in "ab"}
    config = load("sasp-4x4-int8")
    found = ComputedProduct("ab", "a", "b", "c").run(tensors, config)["c"]
    array = {"rows": 4, "columns": 4, "rounding": "truncate"}
    assert np.array_equal(
        found, computed_product(tensors["a"], tensors["b"], weight_format=Integer(8), **array)
    )
