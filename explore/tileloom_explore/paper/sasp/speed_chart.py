"""A picture of speed-up over the array's size for fixed error rates, as SVG: SASP's figure 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...svg import OKABE_ITO, svg
from . import published
from .arrays import SIZES, WEIGHTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(rows: Sequence[Mapping[str, Any]], measure: str) -> str:
    """Return an SVG with a panel for each kind of weights and a curve for each error rate.

    The paper's figures are grey. Raises ToolError where matplotlib is not installed.
    """

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(WEIGHTS), sharey=True)
        for weights, axes in zip(WEIGHTS, panels, strict=True):
            _curves(axes, [row for row in rows if row["weights"] == weights], measure)
            _paper(axes, weights)
            axes.set_title(f"{weights.upper()} weights")
        panels[0].set_ylim(bottom=0)
        panels[0].set_ylabel("speed-up over the plain loop; paper: its core")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)

    return svg(paint, width=9.4, height=3.8)


def _curves(axes: Axes, rows: Sequence[Mapping[str, Any]], measure: str) -> None:
    limits = dict.fromkeys(row["error"] for row in rows)
    for limit, colour, marker in zip(limits, OKABE_ITO * len(limits), "osD^vPX" * len(limits), strict=False):
        points = [row for row in rows if row["error"] == limit and row["kept"] is not None]
        axes.plot(
            [row["size"] for row in points],
            [row["over_plain"] for row in points],
            color=colour,
            marker=marker,
            markersize=4,
            label=f"{measure} {100 * limit:.3g} %",
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(SIZES, [f"{size} x {size}" for size in SIZES])
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _paper(axes: Axes, weights: str) -> None:
    for name, figures, line in (("paper", published.SPEEDUP, ":"), ("paper, pruned", published.PRUNED, "--")):
        points = [figures[weights][size] for size in SIZES]
        axes.plot(SIZES, points, color="#999999", linestyle=line, linewidth=1, label=name)
