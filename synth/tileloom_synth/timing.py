"""Static timing analysis of a mapped netlist: by OpenSTA where it is installed, otherwise ABC's estimate."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from tileloom import processes, scratch
from tileloom.errors import ToolError

from .constraints import Constraints
from .flow import Mapped
from .library.standard_cells import Library

SCRIPT = """
read_liberty {liberty}
read_verilog netlist.v
link_design {top}
read_sdc constraints.sdc
report_checks -path_delay max -digits 4 -group_count {paths}
puts {marker}
report_checks -path_delay min -digits 4
exit
"""

SLOW_PATHS = 100
"""How many of the slowest paths are looked at for modules to map faster."""

_MARKER = "hold:"
_SLACK = re.compile(r"^\s*(-?[\d.]+)\s+slack \(", re.MULTILINE)
_STEP = re.compile(r"([\d.]+) [v^] (\S+) \((\w+)\)$", re.MULTILINE)


class TimingError(ToolError):
    """OpenSTA failed or found no path; the message is what it said last."""


@dataclass(frozen=True)
class Step:
    """A pin on a path, the cell it belongs to, and when the signal is there, in picoseconds."""

    pin: str
    cell: str
    arrival_ps: float


@dataclass(frozen=True)
class WorstPath:
    """The worst path of its kind: its slack in picoseconds, and the names of what it starts and ends at.

    ``steps`` are its pins, or nothing where they are not known.
    """

    slack_ps: float
    start: str = ""
    end: str = ""
    steps: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the path as plain data."""
        return {
            "worst_slack_ps": round(self.slack_ps, 1),
            "met": self.slack_ps >= 0,
            "start": self.start,
            "end": self.end,
            "path": [asdict(step) for step in self.steps],
        }


@dataclass(frozen=True)
class Timing:
    """The worst paths of a netlist under its constraints: no wire load, ideal clock.

    Attributes
    ----------
    constraints:
        What it is held to.
    setup, hold:
        The slowest path, and the fastest, or None where it is not known.
    slow:
        Modules on paths that are too slow; where paths are not known, all modules.
    source:
        What says so.
    """

    constraints: Constraints
    setup: WorstPath
    hold: WorstPath | None
    slow: frozenset[str]
    source: str = "OpenSTA"

    @property
    def met(self) -> bool:
        """Whether the slowest path is fast enough. Hold is mended once there is a clock tree."""
        return self.setup.slack_ps >= 0

    @property
    def frequency_mhz(self) -> float:
        """The highest frequency that the slowest path allows, uncertainty included."""
        return 1e6 / (self.constraints.period_ps - self.setup.slack_ps)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "source": self.source,
            "met": self.met,
            "frequency_mhz": round(self.frequency_mhz, 1),
            "constraints": self.constraints.to_json(),
            "setup": self.setup.to_json(),
            "hold": self.hold.to_json() if self.hold else None,
        }


def opensta() -> str | None:
    """Return the path of OpenSTA's program ``sta``, or None."""
    return shutil.which("sta")


def sdc(mapped: Mapped, library: Library, constraints: Constraints, clock: str) -> str:
    """Return the constraints of a netlist whose clock port is ``clock``, as SDC."""
    ports: dict[str, list[str]] = {"input": [], "output": []}
    for name, port in mapped.modules[mapped.top]["ports"].items():
        if name != clock:
            ports[port["direction"]].append(name if len(port["bits"]) == 1 else f"{name}[*]")
    return constraints.sdc(library, clock, ports["input"], ports["output"])


def analyse(mapped: Mapped, library: Library, constraints: Constraints, clock: str) -> Timing:
    """Return the worst paths of ``mapped``; ``clock`` is its clock port.

    Raises TimingError where OpenSTA, if it is there, fails.
    """
    program = opensta()
    if program is None:
        return _estimate(mapped, constraints)
    with scratch.folder() as folder:
        (folder / "netlist.v").write_text(mapped.verilog, encoding="utf-8")
        (folder / "constraints.sdc").write_text(sdc(mapped, library, constraints, clock), encoding="utf-8")
        script = SCRIPT.format(liberty=library.timing, top=mapped.top, marker=_MARKER, paths=SLOW_PATHS)
        (folder / "script.tcl").write_text(script, encoding="utf-8")
        done = processes.run([program, "-no_splash", "-exit", "script.tcl"], folder=folder, merge=True)
    errors = re.findall(r"^Error: .*", done.output, re.MULTILINE)
    if errors:
        raise TimingError(f"OpenSTA: {errors[0]}")
    slowest, _, fastest = done.output.partition(f"{_MARKER}\n")
    unit = library.time_unit_ps
    first, *others = re.split(r"^(?=Startpoint: )", slowest, flags=re.MULTILINE)[1:] or [slowest]
    setup = _read_path(mapped, first, unit)
    slow = frozenset().union(*(_modules(mapped, text) for text in (first, *others)))
    return Timing(constraints, setup, _read_path(mapped, fastest, unit), slow)


def _modules(mapped: Mapped, text: str) -> frozenset[str]:
    """Return the modules that a path goes through, or none where it is fast enough."""
    slack = _SLACK.search(text)
    if slack is None or float(slack[1]) >= 0:
        return frozenset()
    found = set()
    for _, pin, _ in _STEP.findall(text.partition("data arrival time")[0]):
        module = mapped.top
        for instance in pin.split("/")[:-2]:
            module = mapped.modules[module]["cells"][instance]["type"]
        found.add(module)
    return frozenset(found)


def _read_path(mapped: Mapped, text: str, unit_ps: float) -> WorstPath:
    slack = _SLACK.search(text)
    start = re.search(r"^Startpoint: (\S+)", text, re.MULTILINE)
    end = re.search(r"^Endpoint: (\S+)", text, re.MULTILINE)
    if not (slack and start and end):
        lines = [line for line in text.splitlines() if line.strip()]
        raise TimingError(f"OpenSTA: {lines[-1].strip() if lines else 'no output'}")
    steps = []
    for arrival, pin, cell in _STEP.findall(text.partition("data arrival time")[0]):
        instance, slash, port = pin.rpartition("/")
        name = f"{_named(mapped, instance)}/{port}" if slash else pin
        steps.append(Step(name, cell, round(float(arrival) * unit_ps, 1)))
    return WorstPath(
        float(slack[1]) * unit_ps, _named(mapped, start[1]), _named(mapped, end[1]), tuple(steps)
    )


def _estimate(mapped: Mapped, constraints: Constraints) -> Timing:
    setup = WorstPath(constraints.within_ps - mapped.abc_delay_ps)
    slow = frozenset(mapped.modules) if setup.slack_ps < 0 else frozenset()
    source = "ABC's estimate (each module alone, full adders not counted)"
    return Timing(constraints, setup, None, slow, source)


def _named(mapped: Mapped, instance: str) -> str:
    """Return the name of the register that ``instance`` is, with the way to it, or its own if it is none."""
    *path, cell = instance.split("/")
    module = mapped.modules[mapped.top]
    for step in path:
        module = mapped.modules[module["cells"][step]["type"]]
    body = module["cells"].get(cell)
    if body is None:
        return instance
    bits = [
        bit
        for port, bits in body["connections"].items()
        for bit in bits
        if body["port_directions"][port] == "output"
    ]
    for name, net in module["netnames"].items():
        if "register" in net["attributes"] or name in module["ports"]:
            for place, bit in enumerate(net["bits"]):
                if bit in bits:
                    return "/".join([*path, f"{name}[{place}]" if len(net["bits"]) > 1 else name])
    return instance
