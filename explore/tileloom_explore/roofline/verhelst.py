"""The roofline paper's own machine, utilisation examples and weights held for ever, beside its figures.

Verhelst, Benini, Verma (see `roof`): Fig. 3, the examples of utilisation, Table I. The clock of Fig. 3 is
taken to be 1 GHz.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..paper.networks import resnet
from .point import Counts, Point
from .roof import Level, Machine, Mix

FIGURE_3 = Mix(
    Machine(
        "Fig. 3",
        operations=2048,
        operation_energy=0.5,
        levels=(Level("L1", 128, 0.1), Level("L2", 32, 3), Level("L3", 8, 100)),
    ),
    ratios={"L1": 1 / 256, "L2": 1 / 16, "L3": 1},
)
"""The machine of Fig. 3, and AI_L3 = 16 AI_L2 = 256 AI_L1."""


def spatial_example() -> Point:
    """Return 128 output channels on a 256 x 256 array, a vector each cycle; weights stay."""
    return _on_array(used=128, vectors=1024, reload=0)


def temporal_example() -> Point:
    """Return a full 256 x 256 array whose weights are loaded for 256 cycles after every 1,024 vectors."""
    return _on_array(used=256, vectors=1024, reload=256)


def _on_array(*, used: int, vectors: int, reload: int, side: int = 256) -> Point:
    """Return a tile of INT8 weights on a weight-stationary array that loads a row in a cycle."""
    machine = Machine(f"{side} x {side}", 2 * side * side, 0.5, (Level("weights", side, 1),))
    macs, cycles = vectors * side * used, vectors + reload
    counts = Counts(cycles, macs, macs, vectors, {"weights": reload * side}, cycles)
    return Point(machine, f"{used} of {side} columns", 0.0, "exact", counts)


@dataclass(frozen=True)
class Held:
    """A network all of whose weights are in the hardware for ever, its layers working as a pipeline.

    Attributes
    ----------
    weights:
        Of each layer, how many.
    uses:
        Of each layer, how often an inference uses each weight: the pixels of its output.
    bits:
        Of a weight.
    """

    weights: Sequence[int]
    uses: Sequence[int]
    bits: int = 8

    @property
    def once(self) -> int:
        """Bits of storage with each weight there once."""
        return self.bits * sum(self.weights)

    @property
    def balanced(self) -> float:
        """Bits of storage with as many copies of a layer that all take as long as the one used least."""
        return self.bits * self._macs / min(self.uses)

    @property
    def compute_utilisation(self) -> float:
        """Share of the multipliers' cycles in use with each weight there once; the most used set the pace."""
        return self._macs / (max(self.uses) * sum(self.weights))

    @property
    def storage_utilisation(self) -> float:
        """Share of the storage that is no copy where all layers take as long."""
        return self.once / self.balanced

    @property
    def _macs(self) -> int:
        return sum(count * uses for count, uses in zip(self.weights, self.uses, strict=True))


def held_resnet(depths: tuple[int, ...]) -> Held:
    """Return a ResNet as in its paper, 8 bits, the first convolution and the classifier left out."""
    layers = [layer for _, layer in resnet(depths, stride_first=True)[1:]]
    uses = [layer.output[0] * layer.output[1] for layer in layers]
    return Held([layer.macs // count for layer, count in zip(layers, uses, strict=True)], uses)


def held_bert(tokens: int = 128) -> Held:
    """Return BERT-base's twelve encoders: every product is used once for each token."""
    weights = 12 * [*4 * [768 * 768], *2 * [768 * 3072]]
    return Held(weights, len(weights) * [tokens])


@dataclass(frozen=True)
class TableOne:
    """A row of Table I as the paper has it: utilisation of what is not full, and Mbit where it says so."""

    network: str
    held: Callable[[], Held]
    compute: float
    storage: float
    once: float | None = None
    balanced: float | None = None


TABLE_1 = (
    TableOne("ResNet-50", lambda: held_resnet((3, 4, 6, 3)), 0.19, 0.31, 190, 610),
    TableOne("ResNet-101", lambda: held_resnet((3, 4, 23, 3)), 0.18, 0.28),
    TableOne("BERT", held_bert, 1.0, 1.0),
)
"""Table I: compute utilisation where storage is full, storage utilisation where compute is."""
