"""Why one point is faster than another: a raised roof, a point further right, or one nearer its roof.

The three moves of Verhelst et al. (see `roof`), for the same layer, in dense-equivalent operations. Between
two points the gain is their product, exactly:

    raise        the new machine's roof over the old one's, at the old intensities
    shift right  the new machine's roof at the new intensities over that at the old ones
    approach     how much more of its roof the new point reaches

Leaving out tiles raises the multipliers' roof, by dense over effective operations, and shifts right where
less moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .point import Point
from .roof import COMPUTE

NOTHING = 0.005
"""Changes below this share are not told."""


@dataclass(frozen=True)
class Move:
    """From one point to another of the same layer.

    Attributes
    ----------
    before, after:
        The points.
    raised, shifted, approached:
        The factors of throughput. The first two are None where the machines have different levels, which have
        no intensities in common; ``roof`` is their product in any case.
    energy_raised, energy_shifted:
        The same of energy efficiency, which a point without idle power reaches.
    """

    before: Point
    after: Point
    raised: float | None
    shifted: float | None
    roof: float
    approached: float
    energy_raised: float | None
    energy_shifted: float | None

    @property
    def gain(self) -> float:
        """Throughput after over before, in dense-equivalent operations."""
        return self.after.dense_throughput / self.before.dense_throughput

    @property
    def energy_gain(self) -> float:
        """Energy efficiency after over before, in dense-equivalent operations."""
        return self.after.dense_efficiency / self.before.dense_efficiency

    @property
    def words(self) -> str:
        """The moves of throughput in words."""
        factors = {"the roof is": self.roof} if self.raised is None else {"raised": self.raised}
        if self.shifted is not None:
            factors["shifted right" if self.shifted >= 1 else "shifted left"] = self.shifted
        factors["approached" if self.approached >= 1 else "fell back"] = self.approached
        told = [f"{word} x {factor:.2f}" for word, factor in factors.items() if abs(factor - 1) > NOTHING]
        return ", ".join(told) or "nothing"

    def to_json(self) -> dict[str, Any]:
        """Return plain values by name."""
        return {
            "layer": self.after.layer,
            "before": _called(self.before),
            "after": _called(self.after),
            "gain": self.gain,
            "words": self.words,
            "raise": self.raised,
            "shift_right": self.shifted,
            "roof": self.roof,
            "approach": self.approached,
            "energy_gain": self.energy_gain,
            "energy_raise": self.energy_raised,
            "energy_shift_right": self.energy_shifted,
        }


def move(before: Point, after: Point) -> Move:
    """Return what moved between two points. Raises ValueError where they are not of one layer."""
    if before.layer != after.layer or before.dense_operations != after.dense_operations:
        raise ValueError(f"{before.layer} and {after.layer} are different layers")
    first, last = _roof(before, before), _roof(after, after)
    approached = (after.dense_throughput / last) / (before.dense_throughput / first)
    raised = shifted = energy_raised = energy_shifted = None
    if [level.name for level in before.machine.levels] == [level.name for level in after.machine.levels]:
        between = _roof(after, before)
        raised, shifted = between / first, last / between
        middle = _energy(after, before)
        energy_raised, energy_shifted = _energy(before, before) / middle, middle / _energy(after, after)
    return Move(before, after, raised, shifted, last / first, approached, energy_raised, energy_shifted)


def _roof(on: Point, at: Point) -> float:
    """Return the dense-equivalent roof of a point's machine and sparsity at a point's intensities."""
    ceilings = on.machine.ceilings(at.per_byte(at.dense_operations))
    return min({**ceilings, COMPUTE: on.machine.peak * on.dense_operations / on.operations}.values())


def _energy(on: Point, at: Point) -> float:
    """Return the pJ of a dense-equivalent operation, likewise."""
    energies = on.machine.energies(at.per_byte(at.dense_operations))
    compute = on.machine.operation_energy * on.operations / on.dense_operations
    return sum({**energies, COMPUTE: compute}.values())


def _called(point: Point) -> dict[str, Any]:
    return {"design": point.machine.name, "sparsity": point.sparsity, "source": point.source}


def moves(points: list[Point]) -> list[Move]:
    """Return the moves from the first point of each layer to every other that is not measured."""
    found = []
    first: dict[str, Point] = {}
    for point in points:
        if point.source == "measured":
            continue
        before = first.setdefault(point.layer, point)
        if before is not point:
            found.append(move(before, point))
    return found
