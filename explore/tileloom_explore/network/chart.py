"""A picture of cycles and error by layer, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..svg import OKABE_ITO, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS, DOTS = OKABE_ITO[:2]


def draw(figures: Mapping[str, Any]) -> str:
    """Return an SVG of a run's figures: a bar of cycles for each layer, a dot of its SQNR where it ran.

    Raises ToolError where matplotlib is not installed.
    """
    layers = figures["layers"]
    places = range(len(layers))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.bar(places, [each["cycles"] for each in layers], color=BARS, label="cycles")
        axes.set_ylabel("cycles of an inference", color=BARS)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(f"{figures['config']}: {figures['cycles']:,} cycles")
        axes.set_xticks(places, [each["name"] for each in layers], rotation=60, ha="right", fontsize=8)
        noisy = [
            (place, each["sqnr_db"]) for place, each in enumerate(layers) if each.get("sqnr_db") is not None
        ]
        if noisy:
            other = axes.twinx()
            other.plot(*zip(*noisy, strict=True), "o", color=DOTS, markeredgecolor="white")
            other.set_ylabel("signal to quantisation noise, dB", color=DOTS)
            other.set_ylim(bottom=min(0.0, *(value for _, value in noisy)))
        axes.spines["top"].set_visible(False)

    return svg(paint, width=max(6.0, 0.32 * len(layers) + 2.4), height=4.8)
