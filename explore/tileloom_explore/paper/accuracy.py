"""Accuracies of networks with block masks, as `examples/masked_digits.py` measures and keeps them.

Beside them stand those of Table "Accuracies of the sparsity models" of "Weight Block Sparsity: Training,
Compilation, and AI Engine Accelerators" (arXiv 2407.09453), of ResNet-50 on 20 classes of ImageNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from .kept import plain_of, to_text

SHAPES = ("8x8", "16x4", "4x16", "1x1")
"""Output by input channels of a block, each with all of its taps."""

RATIOS = (0.25, 0.5, 0.75)
"""Of the blocks, those that are zero."""

PUBLISHED_BASELINE = 0.961
PUBLISHED: Mapping[tuple[str, float], float] = {
    ("8x8", 0.25): 0.951,
    ("8x8", 0.50): 0.920,
    ("8x8", 0.75): 0.871,
    ("1x1", 0.25): 0.960,
    ("1x1", 0.50): 0.956,
    ("1x1", 0.75): 0.935,
}
"""ResNet-50 on ImageNet20, by block and ratio. Of 16 x 4 and 4 x 16 the paper says "slightly worse"."""


@dataclass(frozen=True)
class Masked:
    """A network with a share of its blocks zero, trained on with that mask.

    Attributes
    ----------
    shape, ratio:
        See SHAPES, RATIOS.
    measure:
        By which the weakest blocks are found: "l1", "l2", "variance" about a block's own mean, or
        "variance of the layer" about the layer's.
    ranking:
        "layer", the share of each layer's blocks; "network", of all blocks ranked together.
    schedule:
        "once", all before training on; "gradual", a few more each epoch; "by layer", a layer after the other.
    pruned, accuracies:
        Shares of images that are right, one for each seed: before training on, and after it.
    """

    shape: str
    ratio: float
    measure: str
    ranking: str
    schedule: str
    pruned: tuple[float, ...]
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Accuracy:
    """What was measured on one network.

    Attributes
    ----------
    network, command:
        What it is; what measured it.
    images:
        Of the test.
    baselines:
        Shares that are right with all weights, one for each seed.
    again:
        The same after as many more epochs as networks with masks have.
    masked:
        See there.
    """

    network: str
    command: str
    images: int
    baselines: tuple[float, ...]
    again: tuple[float, ...]
    masked: tuple[Masked, ...]

    def of(self, *key: str | float) -> Masked | None:
        """Return that of a shape, ratio, measure, ranking, schedule; None where it was not measured."""
        names = ("shape", "ratio", "measure", "ranking", "schedule")
        return next(
            (each for each in self.masked if tuple(getattr(each, name) for name in names) == key), None
        )

    def text(self) -> str:
        """Return it as JSON, a line for each network."""
        plain = asdict(self)
        masked = plain.pop("masked")
        return to_text(plain, "masked", masked)


def read_accuracy(path: Path) -> Accuracy:
    """Return what a file has. Raises UserError that names it where it is not such a file."""
    with plain_of(path, "examples/masked_digits.py writes") as plain:
        masked = tuple(
            Masked(**{**each, "pruned": tuple(each["pruned"]), "accuracies": tuple(each["accuracies"])})
            for each in plain.pop("masked")
        )
        baselines, again = tuple(plain.pop("baselines")), tuple(plain.pop("again"))
        found = Accuracy(**plain, baselines=baselines, again=again, masked=masked)
        for figures in (found.baselines, found.again, *(each.accuracies for each in masked)):
            mean(figures)
    return found
