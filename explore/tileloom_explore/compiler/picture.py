"""A program in time as SVG: a lane for each kind of step, as in the paper's figures 3 and 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..svg import OKABE_ITO, svg
from .timeline import LANES, Event, Timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = dict(zip(LANES, (*OKABE_ITO[:6], "#666666"), strict=True))

MOST_NAMES = 6
"""Nodes whose names are written at the top."""


def draw(pictures: Sequence[tuple[str, Timeline]]) -> str:
    """Return an SVG of timelines below each other, on one scale. Raises ToolError without matplotlib.

    Where there are few nodes, a line marks where each begins.
    """
    longest = max(timeline.seconds for _, timeline in pictures)
    unit, scale = ("ms", 1e3) if longest >= 2e-3 else ("us", 1e6)

    def paint(figure: Figure) -> None:
        panels = figure.subplots(len(pictures), 1, squeeze=False, sharex=True)[:, 0]
        for axes, (title, timeline) in zip(panels, pictures, strict=True):
            for place, lane in enumerate(reversed(LANES)):
                own = [event for event in timeline.events if event.lane == lane]
                spans = [(event.begin * scale, (event.end - event.begin) * scale) for event in own]
                axes.broken_barh(spans, (place - 0.38, 0.76), facecolors=COLOURS[lane], linewidth=0)
            axes.set_yticks(range(len(LANES)), reversed(LANES))
            axes.set_ylim(-0.6, len(LANES) - 0.4)
            nodes = list(dict.fromkeys(event.node for event in timeline.events))
            if 1 < len(nodes) <= MOST_NAMES:
                for node in nodes:
                    begin = min(event.begin for event in timeline.events if event.node == node) * scale
                    axes.axvline(begin, color="#999999", linewidth=0.6)
                    axes.annotate(
                        node, (begin, len(LANES) - 0.4), (2, -8), textcoords="offset points", size=7
                    )
            axes.set_title(f"{title}: {timeline.seconds * scale:,.1f} {unit}", loc="left")
            axes.grid(axis="x", color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        panels[-1].set_xlim(0, longest * scale)
        panels[-1].set_xlabel(unit)

    return svg(paint, width=9, height=0.6 + 2.3 * len(pictures))


def only(timeline: Timeline, node: str) -> Timeline:
    """Return a node alone, from its first step on."""
    own = [event for event in timeline.events if event.node == node]
    begin = min(event.begin for event in own)
    return Timeline(
        tuple(
            Event(event.lane, node, event.begin - begin, event.end - begin, event.iterations) for event in own
        )
    )
