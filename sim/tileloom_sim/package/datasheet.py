"""``DATASHEET.md``: what a designer must know of a design, from its manifest, its ports, its simulation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tileloom.config import Config, to_plain
from tileloom.design import Design
from tileloom.package.constraints import Timing
from tileloom.package.pins import Interface, Kind, Ports

from . import results as measured
from .example import Example, digits, listing, table
from .registers import registers
from .timing_diagram import Diagram, numbered

BLOCKS = "blocks"
"""Name of the block diagram, without what its file ends in."""


_WAVES = """\
From a simulation of this design, with the worked example below. Cycle 0 is the first one without reset. A
number such as #2 is that of the transfer; what is hatched means nothing; a gap leaves cycles out.
"""


def picture(name: str) -> str:
    """Return the path of a picture from the datasheet."""
    return f"datasheet/{name}.svg"


def datasheet(
    config: Config,
    design: Design,
    ports: Ports,
    room: ModuleType,
    example: Example,
    timing: Timing,
    results: measured.Results,
    files: Sequence[tuple[str, str]],
) -> str:
    """Return the datasheet as Markdown.

    Parameters
    ----------
    config, design, ports:
        What it is of.
    room:
        The family's ``datasheet`` module.
    example:
        What was simulated.
    timing:
        Of the constraints.
    results:
        What was measured before.
    files:
        Names of the package's files, and what each is.
    """
    sections = [
        ("", f"# {design.name}\n\n{room.summary(config)}\n\n{_configuration(config)}"),
        ("Blocks", f"![Block diagram]({picture(BLOCKS)})\n"),
        ("Ports", _ports(design, ports, room.meanings(config))),
        ("Timing", "\n".join([_WAVES, *(_diagram(each, example) for each in example.diagrams)])),
        ("Registers", _registers(design)),
        ("How to use it", "".join(f"{n}. {step}\n" for n, step in enumerate(room.programming(config), 1))),
        ("Data layout, with a worked example", _example(example)),
        ("Latency and throughput", _latency(design, config, room)),
        ("Area and power", _area(design, results, timing)),
        ("Verification", _verification(design, room.unchecked(config), results)),
        ("Files", table(("file", "for"), [(f"`{name}`", what) for name, what in files])),
    ]
    return "\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections if text)


def _configuration(config: Config) -> str:
    rows = [(f"`{name}`", _value(value)) for name, value in to_plain(config).items()]
    return table(("field", "value"), rows)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _ports(design: Design, ports: Ports, meanings: dict[str, str]) -> str:
    level = "active low" if ports.active_low else "active high"
    rows: list[tuple[object, ...]] = [
        (f"`{ports.clock}`", "in", 1, "clock, rising edge"),
        (f"`{ports.reset}`", "in", 1, f"reset, synchronous, {level}; one cycle is enough"),
    ]
    for interface in ports.interfaces:
        about = _about(interface, meanings)
        if interface.kind is Kind.PLAIN and len(interface.pins) == 1:
            pin = interface.pins[0]
            rows.append((f"`{pin.name}`", "in" if pin.inward else "out", pin.width, about))
            continue
        rows.append((f"**{interface.name}**", "", "", about))
        rows += [
            (
                *(f"`{pin.name}`", "in" if pin.inward else "out", pin.width),
                _fields(design, pin.name) or meanings.get(pin.name, ""),
            )
            for pin in interface.pins
        ]
    text = table(("port", "", "bits", ""), rows)
    if any(
        interface.kind is not Kind.PLAIN and interface.channels[0].valid for interface in ports.interfaces
    ):
        text += (
            "\nA transfer takes place in a cycle with valid and ready. Valid never waits for ready, and "
            "what is "
            "offered stays as it is until it is taken.\n"
        )
    return text


def _about(interface: Interface, meanings: dict[str, str]) -> str:
    """Return what an interface is and what it is for."""
    kinds = {
        Kind.AXI4: "AXI4, manager",
        Kind.AXI4_LITE: "AXI4-Lite, subordinate",
        Kind.CV_X_IF: "CV-X-IF, coprocessor",
        Kind.AXI4_STREAM: f"AXI4-Stream, {'receives' if interface.inward else 'sends'}",
        Kind.STREAM: f"stream, {'receives' if interface.inward else 'sends'}",
        Kind.PLAIN: "",
    }
    name = interface.channels[0].name if len(interface.channels) == 1 else interface.name
    return ": ".join(filter(None, (kinds[interface.kind], meanings.get(name, ""))))


def _fields(design: Design, name: str) -> str:
    """Return the fields of a port that has some, from the manifest."""
    places: dict[str, tuple[int, int]] = next(
        (port.get("fields", {}) for port in design.manifest["ports"] if port["name"] == name), {}
    )
    return ", ".join(
        f"{field} {high}:{low}" if high > low else f"{field} {low}" for field, (low, high) in places.items()
    )


def _diagram(diagram: Diagram, example: Example) -> str:
    text = f"### {diagram.title}\n\n![{diagram.title}]({picture(diagram.file)})\n"
    listed = {stream.data for stream in example.streams}
    for pin, values in numbered(diagram, example.trace).items():
        if pin.name not in listed:
            said = ", ".join(f"#{number} `{digits(value, pin.width)}`" for number, value in values.items())
            text += f"\n`{pin.name}`: {said}\n"
    return text


def _registers(design: Design) -> str:
    ip_xact = design.sources.get(f"{design.name}.xml")
    return registers(str(ip_xact)) if "registers" in design.manifest and ip_xact else ""


def _example(example: Example) -> str:
    if not example.streams:
        return example.text
    return (
        f"{example.text}\nThese are all transfers, as the simulation of this design showed them, in order "
        "on each "
        "stream. Words are hexadecimal, the most significant digit first.\n\n" + listing(example.streams)
    )


def _latency(design: Design, config: Config, room: ModuleType) -> str:
    found = design.manifest["timing"]
    rows = [(f"`{name}`", found[name], meaning) for name, meaning in room.figures(config).items()]
    return f"{room.throughput(config)}\n\n" + table(("figure of the manifest", "value", ""), rows)


def _area(design: Design, results: measured.Results, timing: Timing) -> str:
    text = ""
    if "synth" in results:
        text += measured.area(results["synth"]) + "\n"
    if "power" in results:
        text += measured.power(results["power"]) + "\n"
    if not text:
        text = (
            "Nothing was measured for this datasheet. `tileloom synth` and `tileloom power` measure, and "
            "what their "
            "`-o` leaves in this folder, or `--results` names, stands here the next time.\n\n"
        )
    return text + f"`{design.name}.rtl.sdc` has a period of {timing.period:g} ns, from {timing.source}.\n"


def _verification(design: Design, unchecked: frozenset[str], results: measured.Results) -> str:
    config = f"{design.name}.toml"
    commands = {
        f"tileloom simulate {config}": "the regression: random data, stalls and resets, every word compared",
        f"tileloom verify {config} --formal": "proofs: arithmetic for every operand, handshakes, order",
        f"tileloom verify {config} --mutate": "which faults in the netlist the regression notices",
        f"tileloom verify {config} --coverage": "which lines and branches it reaches",
        f"tileloom synth {config} --check": "the netlist against the golden model and the RTL",
    }
    text = (
        "The worked example above ran on this design in simulation, and every word was that of the golden "
        "model. What "
        "else checks it, with Tileloom installed, in this folder:\n\n"
    )
    there = {command: what for command, what in commands.items() if not unchecked & set(command.split())}
    text += table(("command", ""), [(f"`{command}`", what) for command, what in there.items()])
    if "verify --mutate" in results:
        text += "\n" + measured.mutants(results["verify --mutate"]) + "\n"
    return text + f"\n`{design.name}_tb.v` plays the example in any simulator that reads Verilog.\n"
