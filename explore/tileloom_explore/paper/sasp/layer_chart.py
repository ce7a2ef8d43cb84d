"""A picture of the time of each block's layers at pruning rates, as SVG: SASP's figure 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...svg import OKABE_ITO, svg
from .encoder import LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = dict(zip(LAYERS, ("#999999", OKABE_ITO[0]), strict=True))


def draw(networks: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG with a panel for each network: for each block a bar at each rate, attention below.

    Raises ToolError where matplotlib is not installed.
    """

    def paint(figure: Figure) -> None:
        widths = [len(network["blocks"]) for network in networks]
        panels = np.atleast_1d(figure.subplots(1, len(networks), sharey=True, width_ratios=widths))
        for network, axes in zip(networks, panels, strict=True):
            _bars(axes, network)
            array = f"{network['size']} x {network['size']} {network['weights'].upper()}"
            axes.set_title(f"{network['network']}, {array}")
        panels[0].set_ylabel("time over the block's with all tiles")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)

    return svg(paint, width=3 + 1.3 * sum(len(network["blocks"]) for network in networks), height=3.8)


def _bars(axes: Axes, network: Mapping[str, Any]) -> None:
    blocks = network["blocks"]
    rates = list(blocks[0]["layers"])
    width = 0.8 / len(rates)
    for place, rate in enumerate(rates):
        across = np.arange(len(blocks)) + (place - (len(rates) - 1) / 2) * width
        bottom = np.zeros(len(blocks))
        whole = np.array([sum(row["layers"][rates[0]].values()) for row in blocks])
        for layer in LAYERS:
            heights = np.array([row["layers"][rate][layer] for row in blocks]) / whole
            label = layer if place == 0 else None
            axes.bar(across, heights, 0.92 * width, bottom=bottom, color=COLOURS[layer], label=label)
            bottom += heights
        for x, height in zip(across, bottom, strict=True):
            text = f"{height:.2f}\n{float(rate):.0%}"
            axes.annotate(text, (x, height), (0, 2), ha="center", fontsize=7, textcoords="offset points")
    axes.set_xticks(range(len(blocks)), [f"block {row['block']}" for row in blocks])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 1.18)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
