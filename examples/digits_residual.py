"""A small residual network on handwritten digits: trained, as ONNX.

    python examples/digits_residual.py [FOLDER] [--data DATA] [--epochs 40] [--seed 0]

A convolution of 3 x 3 to 16 channels, then three blocks of two such convolutions with what came in added to
what comes out, 16, 32 and 64 channels wide, the last two with stride 2 and a 1 x 1 convolution around; then
the mean of all places and a product of 64 x 10. It has no batch normalisation, which is part of the weights
when a network runs. DATA is as of ``digits_convolution.py``. FOLDER gets ``residual.onnx``, 310 KB,
``residual.npz`` with the images and labels to test with, and ``calibration.npz`` with some that it was
trained with. ``grouped_digits.py`` keeps one weight of each group.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import digits_convolution as digits
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

FIRST = 16
BLOCKS = {"one": (16, 16, 1), "two": (16, 32, 2), "three": (32, 64, 2)}
"""Channels that come in and go out, and the stride of the first convolution."""

MASKED = tuple(
    f"{block}.{name}"
    for block, (_, _, stride) in BLOCKS.items()
    for name in ("first", "second", *(["around"] if stride > 1 else []))
)
"""Layers whose weights have masks: all but the first and the last."""

RATE = 5e-3


def initial(seed: int) -> digits.Weights:
    """Return weights to start from: kernels O x I x h x w, a matrix O x I, biases."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {"first": (FIRST, 1, 3, 3)}
    for block, (inputs, outputs, stride) in BLOCKS.items():
        shapes[f"{block}.first"] = (outputs, inputs, 3, 3)
        shapes[f"{block}.second"] = (outputs, outputs, 3, 3)
        if stride > 1:
            shapes[f"{block}.around"] = (outputs, inputs, 1, 1)
    shapes["scores"] = (digits.CLASSES, outputs)
    weights: digits.Weights = {}
    for name, shape in shapes.items():
        weights[name] = torch.randn(shape, generator=generator) * (1.5 / np.prod(shape[1:])) ** 0.5
        weights[f"{name}.bias"] = torch.zeros(shape[0])
    return weights


def scores(weights: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the scores, n x 10; `model` has the same as ONNX."""

    def convolved(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        kernel = weights[name]
        return functional.conv2d(
            x, kernel, weights[f"{name}.bias"], stride=stride, padding=kernel.shape[-1] // 2
        )

    x = convolved(images, "first").relu()
    for block, (_, _, stride) in BLOCKS.items():
        inside = convolved(convolved(x, f"{block}.first", stride).relu(), f"{block}.second")
        around = convolved(x, f"{block}.around", stride) if stride > 1 else x
        x = (inside + around).relu()
    return functional.linear(x.mean((2, 3)), weights["scores"], weights["scores.bias"])


def model(weights: Mapping[str, torch.Tensor], side: int) -> onnx.ModelProto:
    """Return the network as ONNX, from n x 1 x side x side to n x 10, with a layer of each name."""
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def convolved(x: str, name: str, stride: int = 1) -> str:
        pad = weights[name].shape[-1] // 2
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        return add("Conv", inputs, name, pads=[pad] * 4, strides=[stride] * 2)

    x = add("Relu", [convolved("image", "first")], "first.relu")
    for block, (_, _, stride) in BLOCKS.items():
        inside = add("Relu", [convolved(x, f"{block}.first", stride)], f"{block}.relu")
        around = convolved(x, f"{block}.around", stride) if stride > 1 else x
        x = add("Add", [convolved(inside, f"{block}.second"), around], f"{block}.sum")
        x = add("Relu", [x], f"{block}.end")
    x = add("Flatten", [add("GlobalAveragePool", [x], "mean")], "flat")
    add("Gemm", [x, "scores.weight", "scores.bias"], "scores", transB=1)
    named = {name if name.endswith(".bias") else f"{name}.weight": each for name, each in weights.items()}
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 1, side, side])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, digits.CLASSES])],
        [numpy_helper.from_array(each.numpy(), name) for name, each in named.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main() -> None:
    """Train, and write model and data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = digits.read_data(options.data)
    weights = digits.train(
        initial(options.seed), data, options.epochs, RATE, seed=options.seed, network=scores
    )
    digits.write(weights, data, options.folder, "residual", model)
    right = digits.accuracy(weights, data, scores)
    print(f"{options.folder / 'residual.onnx'}: {right:.2%} of {len(data.test_labels)} images right")


if __name__ == "__main__":
    main()
