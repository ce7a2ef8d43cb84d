"""A picture of area, and of power, by origin over the size of the array, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tileloom_synth.power.report import BOUNDS

from ...svg import OKABE_ITO, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from . import area, power

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


def draw(rows: Sequence[area.Row], powers: Sequence[power.Row] = ()) -> str:
    """Return an SVG of gate equivalents per processing element by origin: two bars for each size.

    With powers there are mW beside them, without glitches and with all of them.

    Raises ToolError where matplotlib is not installed.
    """

    def paint(figure: Figure) -> None:
        library = next(iter(rows[0].reports.values())).library
        axes = list(np.atleast_1d(figure.subplots(1, 1 + len(BOUNDS) * bool(powers))))
        bars = {(row.size, weight): _areas(row, weight) for row in rows for weight in row.reports}
        _bars(axes[0], bars, f"Area per processing element, GE ({library})", ",.0f")
        for bound, panel in zip(BOUNDS, axes[1:], strict=False):
            bars = {
                (row.size, weight): {
                    origin: watts * 1e3 / row.size**2 for origin, watts in row.origins[weight][bound].items()
                }
                for row in powers
                for weight in row.origins
            }
            _bars(panel, bars, f"Power per processing element, mW ({bound})", ".2f")
        by_name: dict[str, Any] = {}
        for panel in axes:
            drawn, names = panel.get_legend_handles_labels()
            by_name |= dict(zip(names, drawn, strict=True))
        shown = [name for name, _, _ in reversed(BANDS) if name in by_name]
        handles = [by_name[name] for name in shown]
        figure.legend(handles, shown, loc="outside right upper", frameon=False)

    return svg(paint, width=17 if powers else 7.6, height=4.4)


def _bars(axes: Axes, bars: Mapping[tuple[int, str], Mapping[str, float]], title: str, digits: str) -> None:
    """Draw bars by size and weights, each of values by origin."""
    sizes = list(dict.fromkeys(size for size, _ in bars))
    for (size, weight), values in bars.items():
        side = 0.55 if weight == "int8" else -0.55
        _bar(axes, sizes.index(size) + side * BAR, _bands(values), weight.upper(), digits)
    axes.set_xticks(range(len(sizes)), [f"{size} x {size}" for size in sizes])
    axes.tick_params(axis="x", length=0, pad=14, labelsize=10)
    axes.yaxis.set_major_formatter(f"{{x:{digits}}}")
    axes.set_title(title)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _bar(axes: Axes, x: float, bands: Sequence[float], name: str, digits: str) -> None:
    """Draw a bar of bands, its sum above and its name below."""
    height = 0.0
    for (band, colour, _), value in zip(BANDS, bands, strict=True):
        if value > 0:
            axes.bar(x, value, BAR, bottom=height, color=colour, label=band)
            height += value
    for text, at, below in ((f"{height:{digits}}", height, 3), (name, 0.0, -11)):
        axes.annotate(text, (x, at), (0, below), ha="center", fontsize=8, textcoords="offset points")


def _bands(values: Mapping[str, float]) -> list[float]:
    """Return the value of each band."""
    return [sum(values.get(origin, 0.0) for origin in origins) for _, _, origins in BANDS]


def _areas(row: area.Row, weight: str) -> dict[str, float]:
    """Return the gate equivalents of each origin per processing element."""
    result = row.reports[weight]
    return {origin: share.area / result.ge / row.size**2 for origin, share in result.shares.items()}
