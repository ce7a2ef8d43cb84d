"""Small ONNX models for tests, and onnxruntime's answers to them."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

make = helper.make_node
OPSET = 17


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[str, Sequence[Any]]],
    outputs: Sequence[str],
    constants: dict[str, np.ndarray],
    opset: int = OPSET,
) -> Path:
    """Write a model; inputs are dtype and shape by name."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in inputs.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    known = onnx.shape_inference.infer_shapes(model)  # outputs need types
    onnx.save(known, path)
    return path


def answers(path: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what onnxruntime computes, nothing fused."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def frozen(case: Any, path: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Write a node case with all inputs but the first as weights; return that input and the answer."""
    inputs, outputs = case.data_sets[0]
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    first, *others = list(model.graph.input)
    for value, array in zip(others, inputs[1:], strict=True):
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), value.name))
    del model.graph.input[1:]
    onnx.save(model, path)
    return first.name, np.asarray(inputs[0]), np.asarray(outputs[0])


def perceptron(path: Path, rng: np.random.Generator, sizes: Sequence[int] = (20, 24, 10)) -> Path:
    """Write products with biases and a ReLU between them, from `x` to `y`."""
    nodes, constants, tensor = [], {}, "x"
    for index, (inner, outer) in enumerate(itertools.pairwise(sizes)):
        last = index == len(sizes) - 2
        constants[f"w{index}"] = (rng.normal(size=(inner, outer)) / np.sqrt(inner)).astype(np.float32)
        constants[f"b{index}"] = rng.normal(size=outer).astype(np.float32)
        out = "y" if last else f"h{index}"
        nodes.append(helper.make_node("Gemm", [tensor, f"w{index}", f"b{index}"], [out], f"fc{index}"))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"r{index}"]))
            tensor = f"r{index}"
    return save(path, nodes, {"x": ("float32", [1, sizes[0]])}, ["y"], constants)
