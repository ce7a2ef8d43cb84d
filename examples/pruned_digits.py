"""Errors of a small transformer over the tiles pruned in its feed-forward matrices, and after training again.

    python examples/digits_transformer.py build
    python examples/pruned_digits.py build/transformer.onnx -o digits.json [--epochs 3]

The transformer is that of ``digits_transformer.py``, trained on half of scikit-learn's digits; the other half
is classified. All 14 matrices go to the arrays of the SASP paper, 4 x 4 to 32 x 32 with FP32 and INT8
weights, in the golden model's arithmetic; of the four of the feed-forward layers the tiles with the smallest
L1 norm are pruned, all ranked together. Each pruned network is measured as it is, with INT8 weights also
with attention's products on the array, and after some epochs of training with its mask. ``tileloom paper sasp
fig8`` prints the file, which is written as it goes on.

Needs ``pip install '.[training]'``: PyTorch.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import digits_transformer as digits
import numpy as np
import numpy.typing as npt
import onnx

from tileloom.scratch import folder as scratch_folder
from tileloom_explore.network.network import Network, read_network
from tileloom_explore.network.sweep import Variant, sweep
from tileloom_explore.paper.sasp.arrays import SIZES, WEIGHTS
from tileloom_explore.paper.sasp.measure import Key, grid, points
from tileloom_explore.paper.sasp.quality import SHARES, Quality
from tileloom_golden.systolic.prune import tile_norms

RATE = 1e-3
"""Of training again, at its highest: a third of the first training's."""


def network_of(weights: digits.Weights) -> Network:
    """Return a network with these weights; its batch is open."""
    with scratch_folder() as folder:
        path = folder / "transformer.onnx"
        onnx.save(digits.model(weights), path)
        return read_network(path, {"image": (1, digits.TOKENS, digits.PIXELS)})


def masks(weights: digits.Weights, size: int, share: float) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which weights of the feed-forward matrices are in tiles that stay, all tiles ranked together."""
    norms = {name: tile_norms(weights[name].numpy(), size, size) for name in digits.FEED_FORWARD}
    ranked = np.concatenate([each.ravel() for each in norms.values()])
    doomed = np.zeros(ranked.size, np.bool_)
    doomed[np.argsort(ranked, kind="stable")[: round(share * ranked.size)]] = True
    kept, begin = {}, 0
    for name, each in norms.items():
        stays = ~doomed[begin : begin + each.size].reshape(each.shape)
        begin += each.size
        rows, columns = weights[name].shape
        kept[name] = stays.repeat(size, 0).repeat(size, 1)[:rows, :columns]
    return kept


def answers(network: Network, ways: dict[Key, Variant], images: npt.NDArray[Any]) -> dict[Key, list[int]]:
    """Return the digit that each image is taken for, in each way of computing."""
    found = {}
    swept = sweep(network, list(ways.values()), [{"image": images}], digits.FEED_FORWARD)
    for key, (_, outputs) in zip(ways, swept, strict=True):
        (scores,) = outputs.values()
        found[key] = [int(each) for each in scores.argmax(1)]
        print(".", end="", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Prune, train again, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    weights = digits.read(options.model)
    _, _, images, labels = digits.data()

    def errors(found: Sequence[int]) -> dict[str, float]:
        return {"error rate": float((np.array(found) != labels).mean())}

    ways = grid()
    first = answers(network_of(weights), ways, images)
    measured = points(first, errors)
    for size, share in itertools.product(SIZES, SHARES):
        again = digits.train(weights, options.epochs, RATE, masks(weights, size, share))
        # What is zero is the first to be pruned: the share is the same, and so are the tiles.
        keys = [(size, kind, share, "truncate", False) for kind in WEIGHTS]
        found = answers(network_of(again), {key: ways[key] for key in keys}, images)
        measured += points(found, errors, options.epochs)
        kept = Quality(
            f"Transformer on digits, feed-forward matrices 4 of {digits.WIDTH} x {digits.HIDDEN}",
            f"python examples/pruned_digits.py {options.model} --epochs {options.epochs}",
            len(labels),
            "error rate",
            errors(first[8, "fp32", 0.0, "float64", False]),
            tuple(measured),
        )
        options.output.write_text(kept.text(), encoding="utf-8")
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
