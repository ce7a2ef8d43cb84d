"""Block diagrams: boxes and arrows that a family names, in a frame, and the interfaces of its ports outside.

Coordinates are in columns and rows, rows downwards; an arrow goes straight, or around one corner or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .drawing import svg

COLUMN, ROW = 2.9, 1.35
"""Distances of columns and rows, in Schemdraw's units."""

WIDTH, HEIGHT = 2.1, 0.85
"""Of a box of one column and one row."""

OUTSIDE = "#f2f2f2"
INSIDE = "#e8f0fb"


@dataclass(frozen=True)
class Box:
    """A part of the design at a column and a row; ``text`` has lines; ``outside`` is an interface's name."""

    text: str
    column: float
    row: float
    outside: bool = False


@dataclass(frozen=True)
class Arrow:
    """From a box to another; ``both`` has a head at each end.

    ``shape`` is Schemdraw's of a wire: ``-`` straight, ``-|`` across then down or up, ``|-`` the other way
    round, ``c`` across, down or up at ``bend`` of the way, across.
    """

    source: str
    target: str
    shape: str = "-"
    both: bool = False
    bend: float = 0.5


def block_svg(title: str, boxes: Mapping[str, Box], arrows: Sequence[Arrow]) -> str:
    """Return the picture; ``boxes`` are named for the arrows."""

    def paint(sheet: Any) -> None:
        from schemdraw import elements, flow

        inside = [box for box in boxes.values() if not box.outside]
        left, right = (pick(box.column for box in inside) * COLUMN for pick in (min, max))
        top, bottom = (-pick(box.row for box in inside) * ROW for pick in (min, max))
        corners = (left - WIDTH / 2 - 0.25, bottom - HEIGHT), (right + WIDTH / 2 + 0.25, top + HEIGHT + 0.2)
        sheet.add(elements.Rect(corner1=corners[0], corner2=corners[1]).fill(INSIDE).at((0, 0)).zorder(0))
        sheet.add(
            elements.Label().at((corners[0][0] + 0.1, corners[1][1] - 0.3)).label(title, "right", fontsize=11)
        )
        for box in boxes.values():
            x, y = box.column * COLUMN, -box.row * ROW
            shape = flow.Box(w=WIDTH, h=HEIGHT).anchor("center").at((x, y)).label(box.text, fontsize=9)
            sheet.add(shape.fill(OUTSIDE if box.outside else "white").zorder(2))
        for arrow in arrows:
            start, end = _ends(boxes[arrow.source], boxes[arrow.target], arrow.shape)
            wire = flow.Wire(
                arrow.shape, k=(end[0] - start[0]) * arrow.bend, arrow="<->" if arrow.both else "->"
            )
            sheet.add(wire.at(start).to(end).zorder(1))

    return svg(paint)


def _ends(source: Box, target: Box, shape: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where an arrow leaves and where it ends: in the middle of a side."""
    across, down = target.column - source.column, target.row - source.row
    upright = shape == "-" and abs(down) > 0 and across == 0
    leave = "row" if upright or shape == "|-" else "column"
    arrive = "row" if upright or shape == "-|" else "column"
    return _side(source, leave, across, down), _side(target, arrive, -across, -down)


def _side(box: Box, axis: str, across: float, down: float) -> tuple[float, float]:
    x, y = box.column * COLUMN, -box.row * ROW
    if axis == "column":
        return x + (WIDTH / 2 if across > 0 else -WIDTH / 2), y
    return x, y - (HEIGHT / 2 if down > 0 else -HEIGHT / 2)
