"""Why a line of the RTL is never reached: what families know, matched by module and text.

A reason that no line needs any more is as wrong as a line without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .points import Point


@dataclass(frozen=True)
class Reason:
    """Why some lines are not reached.

    Attributes
    ----------
    module:
        A regular expression for the module's whole name, without the design's in front of it.
    text:
        One that the line has, above all the name of its signal.
    why:
        In a sentence.
    """

    module: str
    text: str
    why: str

    def holds(self, module: str, text: str) -> bool:
        """Return whether it is about a line."""
        return bool(re.fullmatch(self.module, module) and re.search(self.text, text))


@dataclass(frozen=True)
class Hole:
    """A line or branch that was never reached.

    Attributes
    ----------
    module, text:
        Of the line, as ``Reason`` has them.
    side:
        Which part of it, as Verilator says: ``if``, ``else``, ``cond_then``.
    reason:
        Why; None where nobody knows.
    """

    module: str
    text: str
    side: str
    reason: Reason | None


def holes(
    points: Mapping[Point, int], design: str, verilog: Sequence[str], reasons: Iterable[Reason]
) -> list[Hole]:
    """Return the lines and branches of a design that were not reached; ``verilog`` are its lines."""
    reasons, found = list(reasons), []
    for point in sorted(points, key=lambda each: (each.line, each.column)):
        if point.kind == "toggle" or points[point]:
            continue
        module, text = short(point.module, design), verilog[point.line - 1].strip()
        reason = next((each for each in reasons if each.holds(module, text)), None)
        found.append(Hole(module, text, point.what, reason))
    return found


def short(module: str, design: str) -> str:
    """Return a module's name without the design's in front of it; of its top ``top``."""
    return "top" if module == design else module.removeprefix(f"{design}_")
