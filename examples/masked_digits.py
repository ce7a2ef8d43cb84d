"""Accuracy of a small convolutional network with blocks of its weights zero, trained on with that mask.

    python examples/masked_digits.py -o digits.json [--data DATA] [--epochs 20] [--seeds 3] [--write FOLDER]

The network is that of ``digits_convolution.py``, trained first with all weights. Then the weakest blocks of
output by input channels, 8 x 8, 16 x 4, 4 x 16 and 1 x 1, each with all of its taps, are zero, a quarter to
three quarters of them, by L1, L2 or variance, in each layer or in all layers ranked together. It is trained
on with that mask, which is there from the beginning, comes gradually, or comes a layer after the other. The
file is written as it goes on. ``tileloom paper engine table1`` prints it beside the paper's table ("Weight
Block Sparsity", arXiv 2407.09453). ``--write`` leaves the network with half of its 8 x 8 blocks zero in
FOLDER, for ``tileloom network``.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import digits_convolution as digits
import numpy as np
import numpy.typing as npt
import torch

from tileloom_explore.paper.accuracy import RATIOS, SHAPES, Accuracy, Masked

MEASURES = ("l1", "l2", "variance", "variance of the layer")
RANKINGS = ("layer", "network")
SCHEDULES = ("once", "gradual", "by layer")
HALF = ("8x8", 0.5)

Key = tuple[str, float, str, str, str]
"""Shape, ratio, measure, ranking and schedule, as in `Masked`."""
Kept = dict[str, npt.NDArray[np.bool_]]


def sides(shape: str) -> tuple[int, int]:
    """Return output and input channels of a block."""
    outputs, inputs = shape.split("x")
    return int(outputs), int(inputs)


def strengths(weights: npt.NDArray[np.float32], shape: str, measure: str) -> npt.NDArray[np.float64]:
    """Return how strong each block of O x I or O x I x h x w weights is, by weight, so that layers compare.

    Blocks at the edge may have fewer channels; only those that are there count.
    """
    outputs, inputs = sides(shape)
    o, i = weights.shape[:2]
    padded = np.full((-(-o // outputs) * outputs, -(-i // inputs) * inputs, weights[0, 0].size), np.nan)
    padded[:o, :i] = weights.reshape(o, i, -1)
    blocks = padded.reshape(-(-o // outputs), outputs, -(-i // inputs), inputs, -1)
    axes = (1, 3, 4)
    if measure == "l1":
        return np.nanmean(np.abs(blocks), axes)
    if measure == "l2":
        return np.sqrt(np.nanmean(blocks**2, axes))
    if measure == "variance":
        return np.nanvar(blocks, axes)
    return np.nanmean((blocks - weights.mean()) ** 2, axes)


def chosen(found: Mapping[str, npt.NDArray[np.float64]], ratio: float, ranking: str) -> Kept:
    """Return which blocks stay: of each layer, or of all, the strongest."""
    if ranking == "layer" and len(found) > 1:
        return {name: chosen({name: each}, ratio, ranking)[name] for name, each in found.items()}
    ranked = np.concatenate([each.ravel() for each in found.values()])
    stays = np.ones(ranked.size, np.bool_)
    stays[np.argsort(ranked, kind="stable")[: round(ratio * ranked.size)]] = False
    ends = np.cumsum([each.size for each in found.values()])[:-1]
    parts = np.split(stays, ends)
    return {name: part.reshape(each.shape) for part, (name, each) in zip(parts, found.items(), strict=True)}


def masks(weights: Mapping[str, torch.Tensor], key: Key, names: tuple[str, ...] = digits.MASKED) -> Kept:
    """Return which weights of the layers stay, in the shape of the weights."""
    shape, ratio, measure, ranking, _ = key
    outputs, inputs = sides(shape)
    arrays = {name: weights[name].numpy() for name in names}
    found = {name: strengths(each, shape, measure) for name, each in arrays.items()}
    kept = {}
    for name, stays in chosen(found, ratio, ranking).items():
        o, i = arrays[name].shape[:2]
        channels = stays.repeat(outputs, 0).repeat(inputs, 1)[:o, :i]
        taps = (1,) * (arrays[name].ndim - 2)
        kept[name] = np.broadcast_to(channels.reshape(o, i, *taps), arrays[name].shape).copy()
    return kept


def schedule(key: Key) -> Callable[[float, Mapping[str, torch.Tensor]], Kept]:
    """Return what `digits.train` asks at the beginning of each epoch: which weights stay."""
    shape, ratio, measure, ranking, when = key
    kept: Kept = {}

    def at(progress: float, weights: Mapping[str, torch.Tensor]) -> Kept:
        if when == "gradual":
            # All of it after half of the epochs. What is zero is the weakest, so that a mask only grows.
            now = {
                name: each * torch.from_numpy(kept.get(name, np.array(True)))
                for name, each in weights.items()
            }
            kept.update(masks(now, (shape, ratio * min(1, 2 * progress), measure, ranking, when)))
        elif when == "by layer":
            name = digits.MASKED[int(progress * len(digits.MASKED))]
            if name not in kept:
                kept.update(masks(weights, key, (name,)))
        elif not kept:
            kept.update(masks(weights, key))
        return kept

    return at


def keys() -> list[Key]:
    """Return all that is measured: each block and ratio by L1, and half of the 8 x 8 blocks in every way."""
    found: list[Key] = [
        (shape, ratio, "l1", ranking, "once")
        for shape, ratio, ranking in itertools.product(SHAPES, RATIOS, RANKINGS)
    ]
    found += [(*HALF, measure, ranking, "once") for measure, ranking in itertools.product(MEASURES, RANKINGS)]
    found += [(*HALF, "l1", "layer", when) for when in SCHEDULES]
    return list(dict.fromkeys(found))


def main() -> None:
    """Train, mask, train on, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    data, epochs, seeds = digits.read_data(options.data), options.epochs, range(options.seeds)
    first = [digits.train(digits.initial(seed), data, 2 * epochs, digits.RATE, seed=seed) for seed in seeds]

    def trained_on(key: Key | None) -> list[digits.Weights]:
        print(".", end="", file=sys.stderr, flush=True)
        rate = digits.RATE / 3
        return [
            digits.train(first[seed], data, epochs, rate, schedule(key) if key else None, seed=seed)
            for seed in seeds
        ]

    def right(networks: Iterable[Mapping[str, torch.Tensor]]) -> tuple[float, ...]:
        return tuple(digits.accuracy(each, data) for each in networks)

    def pruned(weights: digits.Weights, key: Key) -> digits.Weights:
        kept = masks(weights, key)
        return {
            name: each * torch.from_numpy(kept.get(name, np.array(True))) for name, each in weights.items()
        }

    weights = sum(each.numel() for each in first[0].values())
    again = right(trained_on(None))
    measured: list[Masked] = []
    for key in keys():
        networks = trained_on(key)
        measured.append(Masked(*key, right(pruned(each, key) for each in first), right(networks)))
        if options.write and key == (*HALF, "l1", "layer", "once"):
            digits.write(networks[0], data, options.write, "masked")
        kept = Accuracy(
            f"CNN of {weights:,} weights on {options.data or 'digits'}",
            f"python examples/masked_digits.py --epochs {epochs} --seeds {options.seeds}",
            len(data.test_labels),
            right(first),
            again,
            tuple(measured),
        )
        options.output.write_text(kept.text(), encoding="utf-8")
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
