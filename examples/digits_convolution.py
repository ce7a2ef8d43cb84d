"""A small convolutional network on handwritten digits: trained, with masks kept in training, as ONNX.

    python examples/digits_convolution.py [FOLDER] [--data DATA] [--epochs 60] [--seed 0]

Three convolutions of 3 x 3, 16, 32 and 64 channels wide, the last two with stride 2, then the mean of all
places and two products, 64 x 64 and 64 x 10. By default it is trained on half of scikit-learn's digits,
8 x 8. DATA is an archive (.npz) with train_images, train_labels, test_images and test_labels, or a folder
with MNIST's four IDX files, packed by gzip or not. FOLDER gets ``convolution.onnx``, 110 KB,
``convolution.npz`` with the images and labels to test with, and ``calibration.npz`` with some that it was
trained with, which ``tileloom network`` takes. ``masked_digits.py`` makes blocks of its weights zero.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional

CHANNELS, HIDDEN, CLASSES = (16, 32, 64), 64, 10
STRIDES = {"first": 1, "second": 2, "third": 2}
"""The convolutions, each with a ReLU behind it."""

MASKED = ("second", "third", "hidden")
"""Layers whose weights have masks: all but the first and the last."""

RATE = 1e-2
"""Of training, at its highest."""

Weights = dict[str, torch.Tensor]
Masks = Mapping[str, npt.NDArray[np.bool_]]
Network = Callable[[Mapping[str, torch.Tensor], torch.Tensor], torch.Tensor]
Graph = Callable[[Mapping[str, torch.Tensor], int], onnx.ModelProto]


@dataclass(frozen=True)
class Data:
    """Images, n x 1 x side x side from 0 to 1, and their labels."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]


def read_idx(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """Return an array of bytes in MNIST's IDX format: magic 0, 0, 8, axes; sizes; data."""
    path = folder / name
    packed = folder / f"{name}.gz"
    plain = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    if plain[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: is no IDX file of bytes")
    axes = plain[3]
    shape = np.frombuffer(plain, ">u4", axes, 4)
    return np.frombuffer(plain, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_data(path: Path | None) -> Data:
    """Return scikit-learn's digits, half of them to test with, or what is in an archive or folder."""
    if path is None:
        digits = load_digits()
        x, tests, y, test_labels = train_test_split(
            digits.images / 16, digits.target, test_size=0.5, random_state=0, stratify=digits.target
        )
    elif path.is_dir():
        x, tests = (read_idx(path, f"{part}-images-idx3-ubyte") / 255 for part in ("train", "t10k"))
        y, test_labels = (read_idx(path, f"{part}-labels-idx1-ubyte") for part in ("train", "t10k"))
    else:
        with np.load(path) as arrays:
            x, tests = (arrays[f"{part}_images"] / 255 for part in ("train", "test"))
            y, test_labels = (arrays[f"{part}_labels"] for part in ("train", "test"))
    images, test_images = (each[:, None].astype(np.float32) for each in (x, tests))
    return Data(images, y.astype(np.int64), test_images, test_labels.astype(np.int64))


def initial(seed: int) -> Weights:
    """Return weights to start from: kernels O x I x 3 x 3, matrices O x I, biases."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in zip(STRIDES, (1, *CHANNELS), CHANNELS, strict=False):
        shapes[name] = (outputs, inputs, 3, 3)
    shapes |= {"hidden": (HIDDEN, CHANNELS[-1]), "scores": (CLASSES, HIDDEN)}
    weights: Weights = {}
    for name, shape in shapes.items():
        weights[name] = torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5
        weights[f"{name}.bias"] = torch.zeros(shape[0])
    return weights


def scores(weights: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the scores, n x 10; `model` has the same as ONNX."""
    x = images
    for name, stride in STRIDES.items():
        x = functional.conv2d(x, weights[name], weights[f"{name}.bias"], stride=stride, padding=1).relu()
    x = functional.linear(x.mean((2, 3)), weights["hidden"], weights["hidden.bias"]).relu()
    return functional.linear(x, weights["scores"], weights["scores.bias"])


def train(
    weights: Weights,
    data: Data,
    epochs: int,
    rate: float,
    masks: Callable[[float, Mapping[str, torch.Tensor]], Masks] | None = None,
    seed: int = 0,
    network: Network = scores,
) -> Weights:
    """Return weights after so many epochs of Adam with a falling rate.

    ``masks`` says at the beginning of each epoch, by the share of epochs that are over and the weights, which
    weights stay; the others are zero from then on. ``network`` gives scores of weights and images.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the layers are small
    x, wanted = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    trained = {name: each.clone().requires_grad_() for name, each in weights.items()}
    optimiser = torch.optim.Adam(trained.values(), lr=rate)
    batches = -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(1, epochs * batches))
    kept: dict[str, torch.Tensor] = {}
    side = x.shape[-1]
    for epoch in range(epochs):
        if masks:
            plain = {name: each.detach() for name, each in trained.items()}
            kept = {name: torch.from_numpy(mask) for name, mask in masks(epoch / epochs, plain).items()}
        for some in torch.randperm(len(x)).split(64):
            # Shifted by up to a pixel, as there are few images.
            across, down = (int(shift) for shift in torch.randint(0, 3, (2,)))
            shifted = functional.pad(x[some], (1, 1, 1, 1))[..., down : down + side, across : across + side]
            masked = {name: each * kept[name] if name in kept else each for name, each in trained.items()}
            loss = functional.cross_entropy(network(masked, shifted), wanted[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return {name: each.detach() * kept.get(name, torch.tensor(1)) for name, each in trained.items()}


def accuracy(weights: Weights, data: Data, network: Network = scores) -> float:
    """Return the share of the images to test with that are classified right."""
    with torch.no_grad():
        answers = network(weights, torch.from_numpy(data.test_images)).argmax(1).numpy()
    return float((answers == data.test_labels).mean())


def model(weights: Mapping[str, torch.Tensor], side: int) -> onnx.ModelProto:
    """Return the network as ONNX, from n x 1 x side x side to n x 10, with a layer of each name."""
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    x = "image"
    for name, stride in STRIDES.items():
        x = add("Conv", [x, f"{name}.weight", f"{name}.bias"], name, pads=[1] * 4, strides=[stride] * 2)
        x = add("Relu", [x], f"{name}.relu")
    x = add("Flatten", [add("GlobalAveragePool", [x], "mean")], "flat")
    x = add("Relu", [add("Gemm", [x, "hidden.weight", "hidden.bias"], "hidden", transB=1)], "hidden.relu")
    add("Gemm", [x, "scores.weight", "scores.bias"], "scores", transB=1)
    named = {name if "." in name else f"{name}.weight": each for name, each in weights.items()}
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 1, side, side])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(each.numpy(), name) for name, each in named.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(weights: Weights, data: Data, folder: Path, name: str, graph: Graph = model) -> None:
    """Write the network, and images and labels to run it with; ``graph`` gives ONNX of weights and side."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(weights, data.images.shape[-1]), folder / f"{name}.onnx")
    np.savez(folder / f"{name}.npz", image=data.test_images, labels=data.test_labels)
    np.savez(folder / "calibration.npz", image=data.images[:200])


def main() -> None:
    """Train, and write model and data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = read_data(options.data)
    weights = train(initial(options.seed), data, options.epochs, RATE, seed=options.seed)
    write(weights, data, options.folder, "convolution")
    right = accuracy(weights, data)
    print(f"{options.folder / 'convolution.onnx'}: {right:.2%} of {len(data.test_labels)} images right")


if __name__ == "__main__":
    main()
