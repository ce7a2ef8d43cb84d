"""Timing diagrams: a trace of channels as WaveDrom's JSON, and that as SVG by Schemdraw.

A diagram shows the first transfers of each of its channels and the last, each with its neighbours; where
cycles in between are left out, the lanes have a gap. The first lane has the numbers of the cycles.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tileloom.package.pins import Channel, Pin, Ports

from .drawing import svg
from .trace import Cycle, Trace

FIRST, LAST, AROUND = 2, 1, 1
"""Transfers of a channel that are shown, from its beginning and its end, and cycles on each side."""

DIGITS = 5
"""What has room in a cycle; where a pin's values are longer, it has the numbers of its transfers."""


@dataclass(frozen=True)
class Diagram:
    """What to show.

    Attributes
    ----------
    title:
        Also the file's name, with ``_`` for blanks.
    channels:
        In order.
    first:
        Transfers of each that are shown from its beginning.
    cycles:
        What to show instead, where it is not empty.
    """

    title: str
    channels: Sequence[Channel]
    first: int = FIRST
    cycles: range = range(0)

    @property
    def file(self) -> str:
        """Name of the files, without what they end in."""
        return f"timing_{self.title.lower().replace(' ', '_').replace('-', '_')}"


def wave_json(diagram: Diagram, trace: Trace, ports: Ports) -> str:
    """Return a diagram as WaveDrom's JSON (WaveDrom's *Hitchhiker's Guide to the WaveDrom*)."""
    shown = _shown(diagram, trace)
    lanes: list[Any] = [
        _lane("cycle", [("=", str(number)) for number in shown], shown),
        _lane(ports.clock, [("p", "")] * len(shown), shown),
    ]
    for channel in diagram.channels:
        lanes += [{}, *(_pin_lane(channel, pin, trace, shown) for pin in channel.pins)]
    return json.dumps({"signal": lanes}, indent=1) + "\n"


def numbered(diagram: Diagram, trace: Trace) -> dict[Pin, dict[int, int]]:
    """Return the pins whose transfers a diagram shows as numbers: each number and what it stands for."""
    shown = _shown(diagram, trace)
    found = {}
    for channel in diagram.channels:
        moves = trace.transfers(channel)
        for pin in channel.pins:
            if pin.width > 1 and _is_numbered(channel, pin, trace, shown):
                found[pin] = {
                    number: trace.cycles[cycle][pin.name]
                    for number, cycle in enumerate(moves)
                    if cycle in shown
                }
    return found


def timing_svg(waves: str) -> str:
    """Return WaveDrom's JSON as SVG."""

    def paint(sheet: Any) -> None:
        from schemdraw import logic

        sheet.add(logic.TimingDiagram(json.loads(waves), fontsize=10, datafontsize=9))

    return svg(paint)


def _shown(diagram: Diagram, trace: Trace) -> list[int]:
    """Return the cycles to show; a gap of a cycle would take as much room as the cycle."""
    chosen = set(diagram.cycles)
    for channel in () if chosen else diagram.channels:
        moves = trace.transfers(channel)
        if channel.valid is None:
            moves = list(_changes(channel, trace))
        for number in (*moves[: diagram.first], *moves[len(moves) - LAST :]):
            chosen.update(range(number - AROUND, number + AROUND + 1))
    chosen &= set(range(len(trace.cycles)))
    chosen |= {number for number in range(len(trace.cycles)) if {number - 1, number + 1} <= chosen}
    return sorted(chosen)


def _changes(channel: Channel, trace: Trace) -> Iterator[int]:
    for number in range(1, len(trace.cycles)):
        if any(trace.cycles[number][p.name] != trace.cycles[number - 1][p.name] for p in channel.pins):
            yield number


def _pin_lane(channel: Channel, pin: Pin, trace: Trace, shown: Sequence[int]) -> dict[str, Any]:
    if pin.width == 1:
        cycles = [trace.cycles[number] for number in shown]
        bits = [str(cycle[pin.name]) if _offered(channel, pin, cycle) else "x" for cycle in cycles]
        return _lane(pin.name, [(bit, "") for bit in bits], shown)
    numbered = _is_numbered(channel, pin, trace, shown)
    moves = trace.transfers(channel)
    states = []
    for number in shown:
        cycle = trace.cycles[number]
        label = f"#{bisect.bisect_left(moves, number)}" if numbered else f"{cycle[pin.name]:x}"
        states.append(("=", label) if _offered(channel, pin, cycle) else ("x", ""))
    return _lane(pin.name, states, shown)


def _offered(channel: Channel, pin: Pin, cycle: Cycle) -> bool:
    """Return whether a pin means something in a cycle."""
    return channel.valid is None or pin in (channel.valid, channel.ready) or bool(cycle[channel.valid.name])


def _is_numbered(channel: Channel, pin: Pin, trace: Trace, shown: Sequence[int]) -> bool:
    """Return whether a pin's values are too long for a cycle's room."""
    values = [trace.cycles[n][pin.name] for n in shown if _offered(channel, pin, trace.cycles[n])]
    return channel.valid is not None and max(values, default=0) >= 1 << 4 * DIGITS


def _lane(name: str, states: Sequence[tuple[str, str]], shown: Sequence[int]) -> dict[str, Any]:
    """Return a lane: a state of one letter and a label for each cycle, ``.`` where it stays as it was."""
    wave, labels, before = "", [], ("", "")
    for index, state in enumerate(states):
        if index and shown[index] != shown[index - 1] + 1:
            wave += "|"
        if state == before and name != "cycle":
            wave += "."
        else:
            wave += state[0]
            labels += [state[1]] if state[0] == "=" else []
        before = state
    return {"name": name, "wave": wave, **({"data": labels} if labels else {})}
