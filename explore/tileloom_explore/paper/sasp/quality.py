"""Error rates over tiles pruned, as `examples/pruned_text.py` and `pruned_digits.py` measure and keep them.

A file has what was measured on one network, and the command that measured it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tileloom.errors import UserError

from ..kept import plain_of, to_text

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
SUMS = ("truncate", "nearest-even", "float64")


@dataclass(frozen=True)
class Point:
    """A network's errors in one way of computing it.

    Attributes
    ----------
    size:
        Rows and columns of the array, and of a tile.
    weights:
        "fp32" or "int8".
    share:
        Of the tiles of the feed-forward matrices, those that are pruned.
    sums:
        The array's rounding; "float64" of sums without the array.
    epochs:
        Of training with the mask after pruning.
    errors:
        By name, 0 to 1 and above.
    changed:
        Answers that are not those of the same weights with sums in float64, or with `attention` those of
        software's; None where these were not computed.
    attention:
        Products of two activations, scores and their use, are the array's too, and not the host's.
    """

    size: int
    weights: str
    share: float
    sums: str
    epochs: int
    errors: Mapping[str, float]
    changed: int | None = None
    attention: bool = False


@dataclass(frozen=True)
class Quality:
    """What was measured on one network.

    Attributes
    ----------
    network, command:
        What it is; what measured it.
    inputs:
        Lines of text, or images.
    measure:
        Which of the errors is drawn.
    original:
        Errors of the network as it was, by its own floats.
    points:
        See there.
    """

    network: str
    command: str
    inputs: int
    measure: str
    original: Mapping[str, float]
    points: tuple[Point, ...]

    def point(
        self,
        size: int,
        weights: str,
        share: float,
        sums: str = "truncate",
        epochs: int = 0,
        attention: bool = False,
    ) -> Point | None:
        """Return what was measured there; None where nothing was."""
        wanted = size, weights, share, sums
        found = (each for each in self.points if (each.size, each.weights, each.share, each.sums) == wanted)
        more = epochs, attention
        return next((each for each in found if (each.epochs, each.attention) == more), None)

    def error(self, size: int, weights: str, share: float, **more: Any) -> float | None:
        """Return the error that is drawn."""
        found = self.point(size, weights, share, **more)
        return None if found is None else found.errors[self.measure]

    def curve(self, size: int, weights: str, epochs: int) -> list[tuple[float, float]]:
        """Return shares pruned and the errors that are drawn, in truncation, attention by software."""
        wanted = size, weights, "truncate", epochs, False
        return sorted(
            (each.share, each.errors[self.measure])
            for each in self.points
            if (each.size, each.weights, each.sums, each.epochs, each.attention) == wanted
        )

    @property
    def epochs(self) -> int:
        """How many epochs of training after pruning there are at most."""
        return max(each.epochs for each in self.points)

    def text(self) -> str:
        """Return it as JSON, a line for each point."""
        head = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "points"}
        return to_text(head, "points", map(asdict, self.points))


def read_quality(path: Path) -> Quality:
    """Return what a file has. Raises UserError that names it where it is not such a file."""
    with plain_of(path, "examples/pruned_text.py or pruned_digits.py writes") as plain:
        points = tuple(Point(**each) for each in plain.pop("points"))
        found = Quality(**plain, points=points)
        for each in points:
            float(each.errors[found.measure])
    if not points:
        raise UserError(f"{path}: has no points")
    return found
