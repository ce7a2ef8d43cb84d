"""Accuracy of two small networks with one weight kept in each group of 4, 8 or 16, trained on with that mask.

    python examples/grouped_digits.py FOLDER [--epochs 20] [--seeds 3] [--write MODELS]

The networks are those of ``digits_residual.py``, whose convolutions have masks, and of
``digits_transformer.py``, whose feed-forward layers do, trained first with all weights. Of each M consecutive
inputs of an output, of a convolution input channels at each of its taps, the weight that is largest in size
stays: the pattern of the xDecimate kernels. Then training goes on with that mask. FOLDER gets
``residual.json`` and ``transformer.json``, which ``tileloom paper xdecimate accuracy`` prints. ``--write``
leaves the first seed's networks in MODELS, for ``tileloom network``.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import digits_convolution as digits
import digits_residual as residual
import digits_transformer as transformer
import numpy as np
import numpy.typing as npt
import onnx
import torch

from tileloom_explore.paper.accuracy import Accuracy, Masked

GROUPS = (4, 8, 16)
Weights = dict[str, torch.Tensor]
Kept = dict[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Example:
    """A network: what it is, and what its example's module does with it.

    ``masked`` are its layers with masks and the axis of their inputs; ``train`` takes weights, epochs, masks
    and a seed; ``right`` returns the share of the images to test with that it tells; ``save`` writes ONNX.
    """

    title: str
    masked: Mapping[str, int]
    initial: Callable[[int], Weights]
    train: Callable[[Weights, int, Kept, int], Weights]
    right: Callable[[Weights], float]
    save: Callable[[Weights, Path, str], None]


def strongest(weights: npt.NDArray[np.float32], group: int, axis: int) -> npt.NDArray[np.bool_]:
    """Return which weights stay: of each ``group`` consecutive ones along ``axis`` the largest in size."""
    rows = np.moveaxis(np.abs(weights), axis, -1)
    grouped = rows.reshape(*rows.shape[:-1], -1, group)
    stays = np.arange(group) == grouped.argmax(-1)[..., None]
    return np.moveaxis(stays.reshape(rows.shape), -1, axis)


def masks(weights: Mapping[str, torch.Tensor], example: Example, group: int) -> Kept:
    """Return which weights of the layers stay, in the shape of the weights."""
    return {name: strongest(weights[name].numpy(), group, axis) for name, axis in example.masked.items()}


def pruned(weights: Mapping[str, torch.Tensor], kept: Kept) -> Weights:
    """Return the weights with those that do not stay zero."""
    return {name: each * torch.from_numpy(kept.get(name, np.array(True))) for name, each in weights.items()}


def convolutional() -> Example:
    """Return the residual network."""
    data = digits.read_data(None)

    def train(weights: Weights, epochs: int, kept: Kept, seed: int) -> Weights:
        rate = residual.RATE / (3 if kept else 1)
        return digits.train(weights, data, epochs, rate, lambda *_: kept, seed, residual.scores)

    return Example(
        "residual CNN",
        dict.fromkeys(residual.MASKED, 1),
        residual.initial,
        train,
        lambda weights: digits.accuracy(weights, data, residual.scores),
        lambda weights, folder, name: digits.write(weights, data, folder, name, residual.model),
    )


def attentive() -> Example:
    """Return the transformer."""
    images, _, tests, test_labels = transformer.data()

    def right(weights: Weights) -> float:
        with torch.no_grad():
            answers = transformer.scores(weights, torch.from_numpy(tests)).argmax(1).numpy()
        return float((answers == test_labels).mean())

    def save(weights: Weights, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(transformer.model(weights), folder / f"{name}.onnx")
        np.savez(folder / f"{name}.npz", image=tests, labels=test_labels)
        np.savez(folder / "calibration_rows.npz", image=images[:200])

    return Example(
        "transformer",
        dict.fromkeys(transformer.FEED_FORWARD, 0),
        transformer.initial,
        lambda weights, epochs, kept, seed: transformer.train(
            weights, epochs, 1e-3 if kept else 3e-3, kept, seed
        ),
        right,
        save,
    )


EXAMPLES = {"residual": convolutional, "transformer": attentive}


def measured(name: str, epochs: int, seeds: int, models: Path | None) -> Accuracy:
    """Return what a network comes to with each mask; write those of the first seed to ``models``."""
    example = EXAMPLES[name]()

    def rights(networks: Iterable[Weights]) -> tuple[float, ...]:
        return tuple(map(example.right, networks))

    def trained(networks: Iterable[Weights], masks: Iterable[Kept], epochs: int) -> list[Weights]:
        print(".", end="", file=sys.stderr, flush=True)
        return [
            example.train(weights, epochs, kept, seed)
            for seed, (weights, kept) in enumerate(zip(networks, masks, strict=True))
        ]

    everything: Kept = {each: np.ones(1, np.bool_) for each in example.masked}
    first = trained(map(example.initial, range(seeds)), [{}] * seeds, 2 * epochs)
    dense = trained(first, [everything] * seeds, epochs)
    if models:
        example.save(dense[0], models, name)
    found = []
    for group in GROUPS:
        kept = [masks(weights, example, group) for weights in first]
        networks = trained(first, kept, epochs)
        if models:
            example.save(networks[0], models, f"{name}_1_{group}")
        before = rights(map(pruned, first, kept))
        found.append(Masked(f"1:{group}", 1 - 1 / group, "l1", "group", "once", before, rights(networks)))
    weights = sum(each.numel() for each in first[0].values())
    sparse = sum(first[0][each].numel() for each in example.masked)
    return Accuracy(
        f"{example.title} of {weights:,} weights, {sparse:,} of them in groups, on digits",
        f"python examples/grouped_digits.py FOLDER --epochs {epochs} --seeds {seeds}",
        len(digits.read_data(None).test_labels),
        rights(first),
        rights(dense),
        tuple(found),
    )


def main() -> None:
    """Train, mask, train on, and write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path, metavar="MODELS")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        accuracy = measured(name, options.epochs, options.seeds, options.write)
        (options.folder / f"{name}.json").write_text(accuracy.text(), encoding="utf-8")
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
