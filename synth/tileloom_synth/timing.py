"""Static timing analysis of a mapped netlist, by OpenSTA where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .flow import Mapped
from .library import Library

SCRIPT = """
read_liberty {liberty}
read_verilog {netlist}
link_design {top}
create_clock -name clock -period {period:g} [get_ports {clock}]
set_input_delay 0 -clock clock [all_inputs]
set_output_delay 0 -clock clock [all_outputs]
set_driving_cell -lib_cell {driver} [all_inputs]
report_checks -path_delay max -digits 4
exit
"""


@dataclass(frozen=True)
class Timing:
    """The worst path of a netlist: no wire load, ideal clock, inputs at 0 behind a buffer.

    Attributes
    ----------
    period_ps, slack_ps:
        The clock's period, and by how much the worst path is faster than that.
    start, end:
        Names of what the path starts and ends at.
    cells:
        The path's cells, as ``pin (cell)``.
    source:
        What says so.
    """

    period_ps: float
    slack_ps: float
    start: str
    end: str
    cells: tuple[str, ...]
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
            "path": list(self.cells),
        }


def opensta() -> str | None:
    """Return the path of OpenSTA's program ``sta``, or None."""
    return shutil.which("sta")


def analyse(mapped: Mapped, library: Library, period_ps: float, clock: str) -> Timing:
    """Return the worst path of ``mapped`` at ``period_ps``; ``clock`` is its clock port.

    Raises RuntimeError where OpenSTA is not installed or reports no path.
    """
    program = opensta()
    if program is None:
        raise RuntimeError("OpenSTA (sta) is not installed")
    with tempfile.TemporaryDirectory(prefix="tileloom-") as name:
        netlist, script = Path(name, "netlist.v"), Path(name, "script.tcl")
        netlist.write_text(mapped.verilog, encoding="utf-8")
        script.write_text(
            SCRIPT.format(
                liberty=library.timing,
                netlist=netlist,
                top=mapped.top,
                period=period_ps / library.time_unit_ps,
                clock=clock,
                driver=library.buffer.name,
            ),
            encoding="utf-8",
        )
        done = subprocess.run(
            [program, "-no_splash", "-exit", str(script)], capture_output=True, text=True, check=False
        )
    slack = re.search(r"^\s*(-?[\d.]+)\s+slack \(", done.stdout, re.MULTILINE)
    if slack is None:
        raise RuntimeError(f"OpenSTA found no path: {(done.stdout + done.stderr).strip().splitlines()[-1:]}")
    points = re.findall(r"^(Startpoint|Endpoint): (\S+)", done.stdout, re.MULTILINE)
    start, end = (name for _, name in points[:2])
    return Timing(
        period_ps,
        float(slack[1]) * library.time_unit_ps,
        _readable(mapped, start),
        _readable(mapped, end),
        tuple(re.findall(r"[\d.]+ [v^] (\S+ \(\w+\))$", done.stdout, re.MULTILINE)),
    )


def estimate(mapped: Mapped, library: Library, period_ps: float, clock: str) -> Timing:
    """Return what ABC made of ``mapped``: the longest path within one module, full adders not counted."""
    return Timing(
        period_ps, period_ps - mapped.abc_delay_ps, "", "", (), "ABC's own estimate, within modules"
    )


def _readable(mapped: Mapped, instance: str) -> str:
    """Return the name of the register behind ``instance``, a cell that Yosys named, with the way to it."""
    *path, cell = instance.split("/")
    module = mapped.modules[mapped.top]
    for step in path:
        module = mapped.modules[module["cells"][step]["type"]]
    body = module["cells"].get(cell)
    if body is None:
        return instance
    bits = {
        bit
        for port, bits in body["connections"].items()
        if body["port_directions"][port] == "output"
        for bit in bits
    }
    for name, net in module["netnames"].items():
        for place, bit in enumerate(net["bits"]):
            if bit in bits and not net["hide_name"]:
                return "/".join([*path, f"{name}[{place}]" if len(net["bits"]) > 1 else name])
    return instance
