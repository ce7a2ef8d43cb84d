"""A small transformer on scikit-learn's handwritten digits: trained, pruned by tiles, trained again, as ONNX.

    python examples/digits_transformer.py [FOLDER] [--epochs 60] [--seed 0]

An image is eight tokens, its rows. Two blocks 48 wide with 4 heads and feed-forward layers of 192 follow;
what they make of the tokens is averaged and classified. Half of the 1,797 images train it. FOLDER gets
``transformer.onnx``, 230 KB, and ``transformer.npz`` with the other half and its labels, which ``tileloom
network`` takes. ``pruned_digits.py`` prunes it and trains it again.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional

TOKENS, PIXELS, WIDTH, HEADS, HIDDEN, BLOCKS, CLASSES = 8, 8, 48, 4, 192, 2, 10
Floats = npt.NDArray[np.float32]
Weights = dict[str, torch.Tensor]
FEED_FORWARD = tuple(f"block{block}.{name}" for block in range(BLOCKS) for name in ("up", "down"))
"""The matrices of the feed-forward layers, and layers of the network."""


def data() -> tuple[Floats, npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]:
    """Return images, n x 8 x 8 from 0 to 1, and labels: to train with and to test with."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    x, tests, labels, test_labels = train_test_split(
        images, digits.target.astype(np.int64), test_size=0.5, random_state=0, stratify=digits.target
    )
    return x, labels, tests, test_labels


def initial(seed: int) -> Weights:
    """Return weights to start from: matrices K x N by name, vectors."""
    generator = torch.Generator().manual_seed(seed)

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return torch.randn(rows, columns, generator=generator) * rows**-0.5

    weights = {"embed": matrix(PIXELS, WIDTH), "places": 0.1 * matrix(TOKENS, WIDTH)}
    for block in range(BLOCKS):
        shapes = {
            "query": (WIDTH, WIDTH),
            "key": (WIDTH, WIDTH),
            "value": (WIDTH, WIDTH),
            "out": (WIDTH, WIDTH),
        }
        for name, shape in {**shapes, "up": (WIDTH, HIDDEN), "down": (HIDDEN, WIDTH)}.items():
            weights[f"block{block}.{name}"] = matrix(*shape)
            weights[f"block{block}.{name}.bias"] = torch.zeros(shape[1])
        for name in ("before", "between"):
            weights[f"block{block}.{name}.scale"] = torch.ones(WIDTH)
            weights[f"block{block}.{name}.shift"] = torch.zeros(WIDTH)
    return weights | {"head": matrix(WIDTH, CLASSES), "head.bias": torch.zeros(CLASSES)}


def scores(weights: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the scores, n x 10, of images n x 8 x 8; `model` has the same as ONNX."""
    x = images @ weights["embed"] + weights["places"]

    def product(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ weights[name] + weights[f"{name}.bias"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, (WIDTH,), weights[f"{name}.scale"], weights[f"{name}.shift"])

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)

    for block in (f"block{number}" for number in range(BLOCKS)):
        normed = norm(x, f"{block}.before")
        query, key, value = (heads(product(normed, f"{block}.{name}")) for name in ("query", "key", "value"))
        seen = torch.softmax(query @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5, -1) @ value
        x = x + product(seen.transpose(1, 2).reshape(-1, TOKENS, WIDTH), f"{block}.out")
        hidden = torch.relu(product(norm(x, f"{block}.between"), f"{block}.up"))
        x = x + product(hidden, f"{block}.down")
    return product(x.mean(1), "head")


def train(
    weights: Weights,
    epochs: int,
    rate: float,
    masks: Mapping[str, npt.NDArray[np.bool_]] | None = None,
    seed: int = 0,
) -> Weights:
    """Return weights after so many epochs of Adam with a falling rate; masked weights are and stay zero."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the matrices are small
    images, labels, *_ = data()
    x, wanted = torch.from_numpy(images), torch.from_numpy(labels)
    kept = {name: torch.from_numpy(mask) for name, mask in (masks or {}).items()}
    trained = {name: each.clone().requires_grad_() for name, each in weights.items()}
    optimiser = torch.optim.AdamW(trained.values(), lr=rate, weight_decay=0.01)
    batches = -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(1, epochs * batches))
    for _ in range(epochs):
        for some in torch.randperm(len(x)).split(64):
            masked = {name: each * kept[name] if name in kept else each for name, each in trained.items()}
            # Shifted by up to a pixel, as there are few images.
            across, down = (int(shift) for shift in torch.randint(-1, 2, (2,)))
            shifted = functional.pad(x[some], (1, 1, 1, 1))[:, 1 + down : 9 + down, 1 + across : 9 + across]
            loss = functional.cross_entropy(scores(masked, shifted), wanted[some], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return {name: each.detach() * kept.get(name, torch.tensor(1)) for name, each in trained.items()}


def model(weights: Mapping[str, torch.Tensor]) -> onnx.ModelProto:
    """Return the network as ONNX, from n x 8 x 8 to n x 10, a layer for each matrix, of its name."""
    nodes: list[onnx.NodeProto] = []
    constants = {name: each.numpy() for name, each in weights.items()}
    constants |= {
        "scale": np.float32((WIDTH // HEADS) ** -0.5),
        "split": np.array([-1, TOKENS, HEADS, WIDTH // HEADS]),
        "joined": np.array([-1, TOKENS, WIDTH]),
    }

    def add(operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def product(x: str, name: str) -> str:
        nodes.append(helper.make_node("MatMul", [x, name], [f"{name}.sums"], name))
        return add("Add", [f"{name}.sums", f"{name}.bias"], f"{name}.result")

    def norm(x: str, name: str) -> str:
        return add("LayerNormalization", [x, f"{name}.scale", f"{name}.shift"], name, axis=-1)

    x = add("Add", [add("MatMul", ["image", "embed"], "embedded"), "places"], "placed")
    for block in (f"block{number}" for number in range(BLOCKS)):
        normed, parts = norm(x, f"{block}.before"), {}
        for name, order in {"query": (0, 2, 1, 3), "key": (0, 2, 3, 1), "value": (0, 2, 1, 3)}.items():
            split = add("Reshape", [product(normed, f"{block}.{name}"), "split"], f"{block}.{name}.split")
            parts[name] = add("Transpose", [split], f"{block}.{name}.heads", perm=order)
        raw = add("MatMul", [parts["query"], parts["key"]], f"{block}.raw")
        looks = add("Softmax", [add("Mul", [raw, "scale"], f"{block}.scaled")], f"{block}.looks", axis=-1)
        seen = add("MatMul", [looks, parts["value"]], f"{block}.seen")
        seen = add("Transpose", [seen], f"{block}.turned", perm=(0, 2, 1, 3))
        seen = product(add("Reshape", [seen, "joined"], f"{block}.joined"), f"{block}.out")
        x = add("Add", [x, seen], f"{block}.attended")
        hidden = add("Relu", [product(norm(x, f"{block}.between"), f"{block}.up")], f"{block}.hidden")
        x = add("Add", [x, product(hidden, f"{block}.down")], f"{block}.end")
    product(add("ReduceMean", [x], "mean", axes=[1], keepdims=0), "head")
    shape = [None, TOKENS, PIXELS]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("head.result", onnx.TensorProto.FLOAT, [None, CLASSES])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def read(path: Path) -> Weights:
    """Return the weights in a file that `main` wrote."""
    arrays = {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
    return {name: torch.from_numpy(arrays[name].copy()) for name in initial(0)}


def main() -> None:
    """Train, and write model and data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."))
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    weights = train(initial(options.seed), options.epochs, 3e-3, seed=options.seed)
    _, _, images, labels = data()
    onnx.save(model(weights), options.folder / "transformer.onnx")
    np.savez(options.folder / "transformer.npz", image=images, labels=labels)
    wrong = scores(weights, torch.from_numpy(images)).argmax(1).numpy() != labels
    print(f"{options.folder / 'transformer.onnx'}: {wrong.mean():.2%} of {len(labels)} images wrong")


if __name__ == "__main__":
    main()
