"""Rooflines as SVG, by matplotlib.

Throughput is above and energy below, each level on the left and all combined on the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..svg import OKABE_ITO, svg
from .point import Point
from .report import Mixes
from .roof import Level, Machine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = {"exact": "o", "estimated": "o", "measured": "*"}
"""By where a point's cycles are from."""

MARGIN = 6.0
"""By how much the axis goes on beyond what is on it, a factor."""


def draw(machines: Sequence[Machine], points: Sequence[Point], mixes: Mixes) -> str:
    """Return an SVG of machines and layers. Raises ToolError where matplotlib is not installed.

    A layer stands at the intensity of what bounds it, of energy what takes most. Filled markers are effective
    operations, hollow ones dense-equivalent; stars are measured in RTL. The combined roofs, of machines that
    have a mix, stand over operations per byte of the outermost levels; a dash is a layer's own roof.
    """
    colours = {each.name: OKABE_ITO[index % len(OKABE_ITO)] for index, each in enumerate(machines)}
    columns = 2 if mixes else 1

    def paint(figure: Figure) -> None:
        axes = figure.subplots(2, columns, squeeze=False)
        for row, energy in enumerate((False, True)):
            _by_level(axes[row][0], machines, points, colours, energy=energy)
            if mixes:
                _combined(axes[row][1], machines, points, mixes, colours, energy=energy)
        _legend(figure, points, colours)

    return svg(paint, width=6.4 * columns, height=9)


def _by_level(
    axes: Axes,
    machines: Sequence[Machine],
    points: Sequence[Point],
    colours: Mapping[str, str],
    *,
    energy: bool,
) -> None:
    """Draw each level's own roof, over the intensity at that level."""
    places = [_place(point, energy=energy) for point in points]
    knees = [(each.energy_knee if energy else each.knee)(level) for each in machines for level in each.levels]
    x = _span([*knees, *places])
    labels = []
    for machine in machines:
        roof = machine.level_efficiency if energy else machine.level_throughput
        for text, level in _together(machine, energy=energy):
            curve = roof(level, x) / (1e12 if energy else 1e9)
            axes.plot(x, curve, color=colours[machine.name], linewidth=1, alpha=0.8)
            labels.append((text, curve, colours[machine.name]))
    for point, place in zip(points, places, strict=True):
        _mark(axes, point, place, colours[point.machine.name], energy=energy)
    _frame(axes, "each level, over operations per byte of that level", energy=energy)
    _label(axes, x, labels)


def _label(axes: Axes, x: Any, labels: Sequence[tuple[str, Any, str]]) -> None:
    """Write each text below its curve where no other is, as far to the left as there is room."""
    (left, right), (bottom, top) = np.log(axes.get_xlim()), np.log(axes.get_ylim())
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    taken: list[tuple[float, float, float]] = []  # from, to, height as shares of the panel
    for text, curve, colour in labels:
        width = 0.0115 * len(text)
        for index in range(len(x)):
            begin = (np.log(x[index]) - left) / (right - left) + 0.01
            height = (np.log(curve[index]) - bottom) / (top - bottom) - 0.03
            free = all(
                begin > end or begin + width < start or abs(height - other) > 0.035
                for start, end, other in taken
            )
            if free:
                break
        taken.append((begin, begin + width, height))
        axes.text(begin, height, text, color=colour, fontsize=7, va="center", transform=axes.transAxes)


def _combined(
    axes: Axes,
    machines: Sequence[Machine],
    points: Sequence[Point],
    mixes: Mixes,
    colours: Mapping[str, str],
    *,
    energy: bool,
) -> None:
    """Draw the roofs of all levels together, over operations per byte of the outermost ones."""
    knees = [knee for mix in mixes.values() for knee in mix.knees(energy=energy).values()]
    x = _span([*knees, *(point.edge_intensity for point in points)])
    for machine in machines:
        if machine.name not in mixes:
            continue
        colour, mix = colours[machine.name], mixes[machine.name]
        roof = machine.efficiency(mix.at(x)) / 1e12 if energy else machine.throughput(mix.at(x)) / 1e9
        axes.plot(x, roof, color=colour, linewidth=2)
        for level in machine.levels if len(mix.ratios) > 1 else ():
            own = mix.at(x)[level.name] + 0 * x
            alone = machine.level_efficiency(level, own) if energy else machine.level_throughput(level, own)
            axes.plot(x, alone / (1e12 if energy else 1e9), color=colour, linewidth=0.7, linestyle=":")
    for point in points:
        _mark(axes, point, point.edge_intensity, colours[point.machine.name], energy=energy)
        if not energy:
            colour, roof = colours[point.machine.name], point.roof / 1e9
            axes.plot([point.edge_intensity] * 2, [point.throughput / 1e9, roof], color=colour, linewidth=0.7)
            axes.plot([point.edge_intensity], [roof], marker="_", color=colour)
    _frame(axes, "combined, over operations per byte of the outermost levels", energy=energy)


def _mark(axes: Axes, point: Point, place: float, colour: str, *, energy: bool) -> None:
    """Mark a point, and hollow its dense-equivalent operations where these are others."""
    marker, size = MARKERS[point.source], 60 if point.source == "measured" else 22
    height = point.efficiency / 1e12 if energy else point.throughput / 1e9
    axes.scatter([place], [height], s=size, marker=marker, color=colour, zorder=3)
    ratio = point.dense_operations / point.operations
    if point.sparsity:
        axes.scatter(
            [place * ratio],
            [height * ratio],
            s=size,
            marker=marker,
            facecolors="none",
            edgecolors=colour,
            zorder=3,
        )


def _place(point: Point, *, energy: bool) -> float:
    """Return the intensity at the level that bounds a point, or takes most of its energy."""
    machine, intensities = point.machine, point.intensities
    ceilings = machine.ceilings(intensities)
    taken = machine.energies(intensities)
    names = [level.name for level in reversed(machine.levels)]  # of equal ones the outermost
    return intensities[min(names, key=lambda name: -taken[name] if energy else ceilings[name])]


def _together(machine: Machine, *, energy: bool) -> list[tuple[str, Level]]:
    """Return the levels with the same roof, their names in one text."""
    groups: dict[float, list[Level]] = {}
    for level in machine.levels:
        groups.setdefault(level.energy if energy else level.bandwidth, []).append(level)
    unit = "pJ/B" if energy else "B/cycle"
    return [
        (f"{', '.join(level.name for level in same)}: {value:g} {unit}", same[0])
        for value, same in groups.items()
    ]


def _span(values: Sequence[float]) -> Any:
    """Return intensities from below the least value to beyond the largest; these, where roofs bend, too."""
    finite = [value for value in values if np.isfinite(value) and value > 0] or [1.0]
    return np.unique([*np.geomspace(min(finite) / MARGIN, max(finite) * MARGIN, 80), *finite])


def _frame(axes: Axes, title: str, *, energy: bool) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"{'Energy efficiency' if energy else 'Throughput'}: {title}", fontsize=9)
    axes.set_xlabel("operations per byte")
    axes.set_ylabel("TOPS/W" if energy else "GOPS")
    axes.grid(which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Any, points: Sequence[Point], colours: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2, label=name) for name, colour in colours.items()]
    kinds = dict.fromkeys(point.source for point in points)
    for kind in kinds:
        handles.append(Line2D([], [], color="#555555", marker=MARKERS[kind], linestyle="", label=kind))
    if any(point.sparsity for point in points):
        handles.append(
            Line2D(
                [],
                [],
                color="#555555",
                marker="o",
                linestyle="",
                markerfacecolor="none",
                label="dense-equivalent",
            )
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
