"""A picture of cycles and error by layer, as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tileloom.errors import ToolError

BARS, DOTS = "#0072B2", "#D55E00"
"""Colours that stay apart in print and for colour-blind eyes (Okabe and Ito)."""


def draw(figures: Mapping[str, Any]) -> str:
    """Return an SVG of a run's figures: a bar of cycles for each layer, a dot of its SQNR where it ran.

    Raises ToolError where matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolError("a chart needs matplotlib: pip install 'tileloom[network]'") from None
    layers = figures["layers"]
    places = range(len(layers))
    with matplotlib.rc_context({"svg.hashsalt": "tileloom", "svg.fonttype": "none"}):
        picture = Figure(figsize=(max(6.0, 0.32 * len(layers) + 2.4), 4.8), layout="constrained")
        axes = picture.add_subplot()
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
        content = io.StringIO()
        picture.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()
