"""A picture of error rates over the share of tiles pruned, as SVG: SASP's figure 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...svg import OKABE_ITO, svg
from .arrays import SIZES, WEIGHTS
from .quality import Quality

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = dict(zip(SIZES, OKABE_ITO, strict=False))
MARKERS = dict(zip(SIZES, "osD^", strict=False))


def draw(measured: Sequence[Quality]) -> str:
    """Return an SVG with a row for each network, a panel for each kind of weights, a curve for each size.

    Retrained networks are dashed. Raises ToolError where matplotlib is not installed.
    """

    def paint(figure: Figure) -> None:
        panels = np.reshape(figure.subplots(len(measured), len(WEIGHTS), sharey="row"), (len(measured), -1))
        for quality, row in zip(measured, panels, strict=True):
            for weights, axes in zip(WEIGHTS, row, strict=True):
                _curves(axes, quality, weights)
                axes.set_title(f"{quality.network.partition(',')[0]}, {weights.upper()} weights")
            row[0].set_ylabel(f"{quality.measure}, %")
        names: dict[str, Any] = {}
        for axes in panels.flat:
            handles, labels = axes.get_legend_handles_labels()
            names |= dict(zip(labels, handles, strict=True))
        figure.legend(list(names.values()), list(names), loc="outside right upper", frameon=False)

    return svg(paint, width=9.4, height=0.4 + 3.0 * len(measured))


def _curves(axes: Axes, quality: Quality, weights: str) -> None:
    for epochs in sorted({0, quality.epochs}):
        for size in SIZES:
            points = quality.curve(size, weights, epochs)
            if points:
                axes.plot(
                    [100 * share for share, _ in points],
                    [100 * error for _, error in points],
                    linestyle="--" if epochs else "-",
                    marker=MARKERS[size],
                    markersize=4,
                    color=COLOURS[size],
                    label=f"{size} x {size}" + (f", {epochs} epochs more" if epochs else ""),
                )
    original = 100 * quality.original[quality.measure]
    axes.axhline(original, color="#999999", linewidth=0.8, linestyle=":", label="as it was, float")
    axes.set_xlabel("tiles of feed-forward matrices pruned, %")
    axes.set_ylim(bottom=0)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
