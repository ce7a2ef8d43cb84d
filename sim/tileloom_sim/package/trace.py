"""The pins of a simulated design, cycle by cycle, from its wave file: what diagrams and test benches show."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcd.reader import TokenKind, tokenize

from tileloom.package.pins import Channel, Ports

Cycle = Mapping[str, int]
"""The level of each pin just before a rising edge of the clock, by name."""


@dataclass(frozen=True)
class Trace:
    """The cycles of a simulation from the first one without reset on."""

    cycles: Sequence[Cycle]

    def transfers(self, channel: Channel) -> list[int]:
        """Return the cycles in which a channel moves something; none of pins that always mean something."""
        if channel.valid is None:
            return []
        handshake = [pin.name for pin in (channel.valid, channel.ready) if pin is not None]
        return [number for number, cycle in enumerate(self.cycles) if all(cycle[name] for name in handshake)]

    def values(self, channel: Channel, pin: str) -> list[int]:
        """Return what a pin has in each transfer of its channel."""
        return [self.cycles[number][pin] for number in self.transfers(channel)]


def read_trace(path: Path, ports: Ports) -> Trace:
    """Return the trace of a VCD file whose uppermost scope has the pins, as Verilator's has."""
    active = 0 if ports.active_low else 1
    cycles = list(_edges(path, ports))
    begin = max(number + 1 for number, cycle in enumerate(cycles) if cycle[ports.reset] == active)
    return Trace(cycles[begin:])


def _edges(path: Path, ports: Ports) -> Iterator[Cycle]:
    """Yield all pins just before each rising edge; at the edge's own time outputs have changed already."""
    names = {pin.name for pin in ports.pins}
    codes: dict[str, list[str]] = {}
    depth = 0
    now, before = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    # With cocotb, Verilator calls the uppermost scope so, which is no identifier to the reader.
    content = path.read_bytes().replace(b" $rootio ", b" TOP ", 1)
    for token in tokenize(io.BytesIO(content)):
        if token.kind is TokenKind.SCOPE:
            depth += 1
        elif token.kind is TokenKind.UPSCOPE:
            depth -= 1
        elif token.kind is TokenKind.VAR and depth == 1 and token.var.reference in names:
            codes.setdefault(token.var.id_code, []).append(token.var.reference)
        elif token.kind is TokenKind.CHANGE_TIME:
            if now[ports.clock] and not before[ports.clock]:
                yield {name: level for name, level in before.items() if name != ports.clock}
            before = dict(now)
        elif token.kind in (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_VECTOR):
            scalar = token.kind is TokenKind.CHANGE_SCALAR
            change = token.scalar_change if scalar else token.vector_change
            for name in codes.get(change.id_code, ()):
                now[name] = int(change.value)
    if now[ports.clock] and not before[ports.clock]:
        yield {name: level for name, level in before.items() if name != ports.clock}
