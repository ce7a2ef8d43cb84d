"""A picture of error rate over speed-up and over area-energy product, as SVG: SASP's figure 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...svg import OKABE_ITO, svg
from .arrays import SIZES, WEIGHTS
from .energy import KEYS
from .pareto import front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = dict(zip(SIZES, OKABE_ITO, strict=False))
MARKERS = dict(zip(WEIGHTS, "os", strict=True))


def draw(rows: Sequence[Mapping[str, Any]], measure: str) -> str:
    """Return an SVG of designs: colours are sizes, forms are weights; filled ones are on the front of all.

    A line in each panel is the front of that panel's two figures. Raises ToolError where matplotlib is not
    installed.
    """

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        errors = [100 * row["error"] for row in rows]
        _designs(left, rows, [row["over_plain"] for row in rows], errors, best=-1)
        left.set_xlabel("speed-up over the plain loop")
        left.set_ylabel(f"{measure}, %")
        _designs(right, rows, [row["area_energy_mm2_j"][KEYS[0]] for row in rows], errors, best=1)
        right.set_xlabel("area x energy of the array, mm² J (zero delay)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", frameon=False)

    return svg(paint, width=9.8, height=4.2)


def _designs(
    axes: Axes,
    rows: Sequence[Mapping[str, Any]],
    across: Sequence[float],
    errors: Sequence[float],
    *,
    best: int,
) -> None:
    """Draw designs; ``best`` is 1 where a smaller value across is better, else -1."""
    for row, x, y in zip(rows, across, errors, strict=True):
        colour = COLOURS[row["size"]]
        axes.plot(
            [x],
            [y],
            MARKERS[row["weights"]],
            markersize=5,
            color=colour,
            markerfacecolor=colour if row["front"] else "none",
            alpha=1.0 if row["front"] else 0.5,
        )
    on = front([(best * x, y) for x, y in zip(across, errors, strict=True)])
    steps = sorted((x, y) for x, y, each in zip(across, errors, on, strict=True) if each)
    style = "steps-post" if best > 0 else "steps-pre"
    axes.plot(*zip(*steps, strict=True), drawstyle=style, color="#666666", linewidth=0.9, zorder=0)
    for size in SIZES:
        for weights in WEIGHTS:
            axes.plot(
                [], [], MARKERS[weights], color=COLOURS[size], label=f"{size} x {size} {weights.upper()}"
            )
    axes.plot([], [], "o", color="#444444", markerfacecolor="none", label="not on the front of all three")
    axes.plot([], [], color="#666666", linewidth=0.9, label="front of the panel")
    axes.set_xscale("log", base=2 if best < 0 else 10)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
