"""Static timing analysis of a mapped netlist: by OpenSTA where it is installed, otherwise ABC's estimate."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from tileloom import processes, scratch
from tileloom.errors import ToolError
from tileloom.netlist.text import unsigned

from .flow import Mapped
from .library.standard_cells import Library

SCRIPT = """
read_liberty {liberty}
read_verilog netlist.v
link_design {top}
create_clock -name clock -period {period:g} [get_ports {clock}]
set_input_delay 0 -clock clock [all_inputs]
set_output_delay 0 -clock clock [all_outputs]
set_driving_cell -lib_cell {driver} [all_inputs]
report_checks -path_delay max -digits 4
exit
"""


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
class Timing:
    """The worst path of a netlist: no wire load, ideal clock, inputs at 0 behind a buffer.

    Attributes
    ----------
    period_ps, slack_ps:
        The clock's period, and by how much the worst path is faster than that.
    start, end:
        Names of what the path starts and ends at.
    path:
        The path's pins, or nothing where they are not known.
    source:
        What says so.
    """

    period_ps: float
    slack_ps: float
    start: str
    end: str
    path: tuple[Step, ...]
    source: str = "OpenSTA"

    @property
    def met(self) -> bool:
        """Whether the path is fast enough."""
        return self.slack_ps >= 0

    @property
    def frequency_mhz(self) -> float:
        """The highest frequency that the path allows."""
        return 1e6 / (self.period_ps - self.slack_ps)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "source": self.source,
            "period_ps": self.period_ps,
            "worst_slack_ps": round(self.slack_ps, 1),
            "met": self.met,
            "frequency_mhz": round(self.frequency_mhz, 1),
            "start": self.start,
            "end": self.end,
            "path": [asdict(step) for step in self.path],
        }


def opensta() -> str | None:
    """Return the path of OpenSTA's program ``sta``, or None."""
    return shutil.which("sta")


def analyse(mapped: Mapped, library: Library, period_ps: float, clock: str) -> Timing:
    """Return the worst path of ``mapped`` at ``period_ps``; ``clock`` is its clock port.

    Raises TimingError where OpenSTA, if it is there, fails.
    """
    program = opensta()
    if program is None:
        return _estimate(mapped, period_ps)
    with scratch.folder() as folder:
        # OpenSTA of 2019 reads no signed ports, and drops what it cannot read.
        (folder / "netlist.v").write_text(unsigned(mapped.verilog), encoding="utf-8")
        (folder / "script.tcl").write_text(
            SCRIPT.format(
                liberty=library.timing,
                top=mapped.top,
                period=period_ps / library.time_unit_ps,
                clock=clock,
                driver=library.buffer.name,
            ),
            encoding="utf-8",
        )
        done = processes.run([program, "-no_splash", "-exit", "script.tcl"], folder=folder, merge=True)
    return _read_report(mapped, library, period_ps, done.output)


def _read_report(mapped: Mapped, library: Library, period_ps: float, text: str) -> Timing:
    slack = re.search(r"^\s*(-?[\d.]+)\s+slack \(", text, re.MULTILINE)
    start = re.search(r"^Startpoint: (\S+)", text, re.MULTILINE)
    end = re.search(r"^Endpoint: (\S+)", text, re.MULTILINE)
    errors = re.findall(r"^Error: .*", text, re.MULTILINE)
    if errors:
        raise TimingError(f"OpenSTA: {errors[0]}")
    if not (slack and start and end):
        lines = [line for line in text.splitlines() if line.strip()]
        raise TimingError(f"OpenSTA: {lines[-1].strip() if lines else 'no output'}")
    unit = library.time_unit_ps
    path = []
    for arrival, pin, cell in _STEP.findall(text.partition("data arrival time")[0]):
        instance, slash, port = pin.rpartition("/")
        name = f"{_named(mapped, instance)}/{port}" if slash else pin
        path.append(Step(name, cell, round(float(arrival) * unit, 1)))
    return Timing(
        period_ps, float(slack[1]) * unit, _named(mapped, start[1]), _named(mapped, end[1]), tuple(path)
    )


def _estimate(mapped: Mapped, period_ps: float) -> Timing:
    slack = period_ps - mapped.abc_delay_ps
    return Timing(period_ps, slack, "", "", (), "ABC's estimate (each module alone, full adders not counted)")


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
