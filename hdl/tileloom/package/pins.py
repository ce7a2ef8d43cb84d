"""The pins of a design's top module, and which of them are a clock, a reset, a channel, an interface.

The manifest says what belongs together, the Verilog which way pins go and how wide they are. Everything that
``tileloom package`` writes names its ports from here.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..design import Design
from ..errors import UserError
from ..netlist.text import split_modules

_PIN = re.compile(r"^  (input|output) (?:signed )?(?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)

_GROUPS = ("issue", "commit", "mem_result", "mem", "result")
"""The interfaces of CV-X-IF, by what the names of their pins begin with; of two the longer first."""


class Kind(enum.Enum):
    """What an interface is."""

    STREAM = "stream"
    AXI4_STREAM = "AXI4-Stream"
    AXI4 = "AXI4"
    AXI4_LITE = "AXI4-Lite"
    CV_X_IF = "CV-X-IF"
    PLAIN = "plain"


@dataclass(frozen=True)
class Pin:
    """A port of the top module: ``inward`` is an input, ``width`` in bits."""

    name: str
    inward: bool
    width: int

    @property
    def declared(self) -> str:
        """The range of a declaration, with a blank behind it, or "" for one bit."""
        return f"[{self.width - 1}:0] " if self.width > 1 else ""


@dataclass(frozen=True)
class Channel:
    """Pins that one handshake moves.

    Attributes
    ----------
    name:
        ``weights``, ``aw``, ``issue``.
    valid, ready:
        The handshake; ``ready`` is None where whoever receives always takes it, both are None for pins that
        always mean something.
    payload:
        What goes along, in the direction of ``valid`` or against it.
    """

    name: str
    valid: Pin | None
    ready: Pin | None
    payload: tuple[Pin, ...]

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All of them."""
        return tuple(pin for pin in (self.valid, self.ready, *self.payload) if pin is not None)


@dataclass(frozen=True)
class Interface:
    """What a designer connects as one: ``inward`` is a sink, a slave or a target."""

    name: str
    kind: Kind
    inward: bool
    channels: tuple[Channel, ...]

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All of them, channel by channel."""
        return tuple(pin for channel in self.channels for pin in channel.pins)


@dataclass(frozen=True)
class Ports:
    """The ports of a top module.

    Attributes
    ----------
    clock, reset, active_low:
        Names, and whether the reset is active at 0. It is synchronous.
    pins:
        All, in the order of the module.
    interfaces:
        All but clock and reset; each pin is in one.
    """

    clock: str
    reset: str
    active_low: bool
    pins: tuple[Pin, ...]
    interfaces: tuple[Interface, ...]

    @property
    def data_pins(self) -> tuple[Pin, ...]:
        """All but clock and reset."""
        return tuple(pin for pin in self.pins if pin.name not in (self.clock, self.reset))


def ports_of(design: Design) -> Ports:
    """Return the ports of a design.

    Raises UserError for a host core with a unit in it: its ports are the core's.
    """
    manifest = design.manifest
    if "top" in manifest:
        raise UserError(
            f"{design.name}: is the core {manifest['top']} with the unit in its pipeline; its ports and "
            "documents are the core's. A package is made of a block: take host=unit or host=cv-x-if"
        )
    text = split_modules(design.verilog)[design.name]
    pins = {
        name: Pin(name, direction == "input", int(high or 0) + 1)
        for direction, high, name in _PIN.findall(text)
    }
    clock, reset = manifest["clock"], manifest["reset"]["name"]
    found = _interfaces(manifest, pins)
    rest = set(pins) - {clock, reset} - {pin.name for interface in found for pin in interface.pins}
    plain = tuple(
        Interface(pin.name, Kind.PLAIN, pin.inward, (Channel(pin.name, None, None, (pin,)),))
        for pin in pins.values()
        if pin.name in rest
    )
    return Ports(clock, reset, manifest["reset"]["active_low"], tuple(pins.values()), (*found, *plain))


def _interfaces(manifest: Mapping[str, Any], pins: Mapping[str, Pin]) -> tuple[Interface, ...]:
    """Return what the manifest groups, in its order: registers, a master, streams, CV-X-IF."""
    found = []
    for key, kind in (("registers", Kind.AXI4_LITE), ("master", Kind.AXI4)):
        if key in manifest:
            channels = tuple(
                _handshake(name, [pins[signal] for signal in signals])
                for name, signals in manifest[key].items()
            )
            prefix = channels[0].pins[0].name.rpartition("_")[0]
            found.append(Interface(prefix, kind, key == "registers", channels))
    for port in manifest["ports"]:
        if "signals" in port:
            channel = _handshake(port["name"], [pins[signal] for signal in port["signals"].values()])
            axi = port["signals"]["data"].endswith("_tdata")
            name = port["signals"]["data"].removesuffix("_tdata") if axi else port["name"]
            kind = Kind.AXI4_STREAM if axi else Kind.STREAM
            found.append(Interface(name, kind, port["direction"] == "in", (channel,)))
    return (*found, *_of_unit(pins), *_of_array_unit(pins), *_of_coprocessor(pins))


def _handshake(name: str, pins: Sequence[Pin]) -> Channel:
    """Return the channel of pins whose names end in ``valid`` and ``ready``, or in neither."""
    valid = next((pin for pin in pins if pin.name.endswith("valid")), None)
    ready = next((pin for pin in pins if pin.name.endswith("ready")), None)
    return Channel(name, valid, ready, tuple(pin for pin in pins if pin not in (valid, ready)))


def _of_unit(pins: Mapping[str, Pin]) -> list[Interface]:
    """Return the streams of an xDecimate unit, ``NAME__valid`` and so on, and what comes with a ``valid``."""
    names = dict.fromkeys(name.partition("__")[0] for name in pins if "__" in name)
    found = []
    for name in names:
        channel = _handshake(name, [pin for pin in pins.values() if pin.name.startswith(f"{name}__")])
        assert channel.valid is not None
        found.append(Interface(name, Kind.STREAM, channel.valid.inward, (channel,)))
    for name in ("commit", "loaded") if names else ():
        channel = _handshake(name, [pin for pin in pins.values() if pin.name.startswith(f"{name}_")])
        found.append(Interface(name, Kind.PLAIN, True, (channel,)))
    return found


def _of_array_unit(pins: Mapping[str, Pin]) -> list[Interface]:
    """Return the ports of an array as a unit, whose result is there while ``ready``, or nothing."""
    if "taken" not in pins:
        return []
    payload = tuple(pins[name] for name in ("operation", "a", "b", "result"))
    return [Interface("unit", Kind.PLAIN, True, (Channel("unit", pins["ready"], pins["taken"], payload),))]


def _of_coprocessor(pins: Mapping[str, Pin]) -> list[Interface]:
    """Return CV-X-IF, its five interfaces as channels, or nothing."""
    if "issue_instr" not in pins:
        return []
    left, channels = list(pins.values()), []
    for group in _GROUPS:
        mine = [pin for pin in left if pin.name.startswith(f"{group}_")]
        left = [pin for pin in left if pin not in mine]
        valid, ready = pins[f"{group}_valid"], pins.get(f"{group}_ready")
        channels.append(Channel(group, valid, ready, tuple(pin for pin in mine if pin not in (valid, ready))))
    return [Interface("x_if", Kind.CV_X_IF, True, tuple(channels))]
