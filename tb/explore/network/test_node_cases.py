"""All of onnx's own node cases of products and convolutions, on every family, none left out in silence.

Of a case the first input is the activations, the others are weights, as a trained network has them. Integers
must be the same but for ties: a result that the engine's 16-bit scale takes to the other side of a half.
"""

import warnings
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explore.network.models import frozen
from tileloom.families import load
from tileloom_explore.network.layer import NetworkLayer
from tileloom_explore.network.mapping import RefusedError, map_layer
from tileloom_explore.network.network import read_network

pytestmark = pytest.mark.xdist_group("onnx node cases")  # collecting them takes ten seconds

COUNTS = {
    "Conv": 6,
    "ConvInteger": 2,
    "Gemm": 11,
    "MatMul": 7,
    "MatMulInteger": 1,
    "QLinearConv": 1,
    "QLinearMatMul": 8,
}
"""How many cases of an operator onnx has had since 1.18; more are welcome, fewer are not all."""

FLOATS = {
    "stream-8x8-fp32": {"rounding": "nearest-even"},
    "sasp-4x4-fp32": {},
    "engine-fp32": {},
}
INTEGERS = {
    **FLOATS,
    "stream-8x8-int8": {"rows": 5, "columns": 3},
    "engine-fp32-int8": {},
    "engine-int8": {},
    "xfu-cv32e40p": {},
}
"""Configurations that take floats, and integers."""

RTL: dict[str, dict[str, Any]] = {
    "engine-int8": {"requantise": "false"},
    "stream-8x8-int8": {},
    "xfu-cv32e40p": {},
}
"""Those that integers run on in RTL; floats and integers do on an array of FP32."""


@cache
def cases() -> list[Any]:
    """Return the cases of one node."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx computes with infinities on purpose
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    return [
        case
        for case in found
        if case.model is not None
        and len(case.model.graph.node) == 1
        and case.model.graph.node[0].op_type in COUNTS
    ]


def compute(case: Any, folder: Path, name: str, *, simulate: bool = False, **fields: Any) -> Any:
    """Return what a configuration gives for a case, and what onnx says."""
    source, activations, wanted = frozen(case, folder / "case.onnx")
    network = read_network(folder / "case.onnx")
    assert len(network.layers) == 1, f"{case.name}: {network.reasons}"
    config = load(name, **fields)

    def on_hardware(layer: NetworkLayer, tensor: np.ndarray) -> np.ndarray:
        mapping = map_layer(config, layer)
        image = layer.image(tensor)
        assert mapping.cost(image.shape).cycles > 0
        results = mapping.compute(image)
        if simulate:
            assert np.array_equal(mapping.simulate(image).results, results)
        return layer.tensor(results, tensor.shape)

    (found,) = network.run({source: activations}, on_hardware).values()
    assert found.shape == wanted.shape, case.name
    assert found.dtype == wanted.dtype, case.name
    return found, wanted


def test_all_cases_are_there() -> None:
    counts = Counter(case.model.graph.node[0].op_type for case in cases())
    print(f"{counts.total()} node cases: {dict(sorted(counts.items()))}")
    assert all(counts[operator] >= count for operator, count in COUNTS.items()), counts


def is_integer(case: Any) -> bool:
    """Return whether a case's answer is integers."""
    return np.asarray(case.data_sets[0][1][0]).dtype.kind in "iu"


def test_floats(tmp_path: Path) -> None:
    compared = 0
    floats = [case for case in cases() if not is_integer(case)]
    for case in floats:
        for name, fields in FLOATS.items():
            found, wanted = compute(case, tmp_path, name, **fields)
            # As many roundings as there are terms, each of at most a unit of the last place.
            assert np.allclose(found, wanted, rtol=1e-4, atol=1e-5), (case.name, name)
            compared += 1
    assert compared == len(FLOATS) * len(floats) >= 72


def test_integers(tmp_path: Path) -> None:
    compared = Counter[str]()
    integers = [case for case in cases() if is_integer(case)]
    for case in integers:
        for name, fields in INTEGERS.items():
            sums = name == "engine-int8" and "Integer" in case.model.graph.node[0].op_type
            if sums:
                with pytest.raises(RefusedError, match=r"results are INT32, .*; set requantise=false"):
                    compute(case, tmp_path, name)
                fields = {"requantise": "false"}
            found, wanted = compute(case, tmp_path, name, **fields)
            assert np.array_equal(found, wanted), (case.name, name)
            compared[name] += 1
    assert set(compared.values()) == {len(integers)}
    assert len(integers) >= 12


@pytest.mark.long
def test_in_rtl(tmp_path: Path) -> None:
    compared = 0
    for case in cases():
        configs = RTL if is_integer(case) else {}
        for name, fields in {**configs, "stream-8x8-fp32": {}}.items():
            compute(case, tmp_path, name, simulate=True, **fields)
            compared += 1
    print(f"{compared} runs in RTL of {len(cases())} cases")
    assert compared >= len(cases()) + 36
