"""A picture of area by origin over the size of the array, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..svg import OKABE_ITO, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .sasp import Row

BLUE, VERMILION, _, _, ORANGE, SKY, _ = OKABE_ITO
BANDS = (
    ("multiplier", BLUE, ("multiplier",)),
    ("adder", SKY, ("adder", "adder: align", "adder: add", "adder: normalise", "adder: round")),
    ("logic (flat)", SKY, ("logic",)),
    ("pipeline registers", ORANGE, ("pipeline registers",)),
    ("stationary registers", VERMILION, ("stationary registers",)),
    ("activation registers", "#F0E442", ("activation registers",)),
    ("skew, loading, control", "#999999", ("skew", "weight loading", "control", "clock gates")),
)
"""What is drawn together, from bottom to top: its name, colour and origins."""

BAR = 0.34
"""Width of a bar, where sizes are 1 apart."""


def draw(rows: list[Row]) -> str:
    """Return an SVG of gate equivalents per processing element by origin: two bars for each size.

    Raises ToolError where matplotlib is not installed.
    """

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            for side, weight in zip((-0.55, 0.55), row.reports, strict=True):
                _bar(axes, place + side * BAR, _bands(row, weight), weight.upper())
        axes.set_xticks(range(len(rows)), [f"{row.size} x {row.size}" for row in rows])
        axes.tick_params(axis="x", length=0, pad=14, labelsize=10)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(f"Area per processing element, GE ({next(iter(rows[0].reports.values())).library})")
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        drawn, names = axes.get_legend_handles_labels()
        by_name = dict(zip(names, drawn, strict=True))
        shown = [name for name, _, _ in reversed(BANDS) if name in by_name]
        handles = [by_name[name] for name in shown]
        figure.legend(handles, shown, loc="outside right upper", frameon=False)

    return svg(paint, width=7.6, height=4.4)


def _bar(axes: Axes, x: float, bands: Sequence[float], name: str) -> None:
    """Draw a bar of bands, its sum above and its name below."""
    height = 0.0
    for (band, colour, _), value in zip(BANDS, bands, strict=True):
        if value > 0:
            axes.bar(x, value, BAR, bottom=height, color=colour, label=band)
            height += value
    for text, at, below in ((f"{height:,.0f}", height, 3), (name, 0.0, -11)):
        axes.annotate(text, (x, at), (0, below), ha="center", fontsize=8, textcoords="offset points")


def _bands(row: Row, weight: str) -> list[float]:
    """Return the gate equivalents of each band per processing element."""
    result = row.reports[weight]
    return [
        sum(result.shares[origin].area for origin in origins if origin in result.shares)
        / result.ge
        / row.size**2
        for _, _, origins in BANDS
    ]
