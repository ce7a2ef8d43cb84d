"""What a netlist is held to: the clock, and what stands around the ports. As data, and as SDC.

Defaults are in fan-out-of-four delays (FO4) of the library, so that they mean the same in every process: the
ports are taken to be those of a block inside of a chip, between registers of the same clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from tileloom.errors import UserError

from .library.standard_cells import Library, LibraryError

INPUT_DELAY, OUTPUT_DELAY, SETUP_UNCERTAINTY, HOLD_UNCERTAINTY = "5.5FO4", "2.75FO4", "2.25FO4", "0.9FO4"
"""Defaults: about 120, 60, 50 and 20 ps in Nangate45, whose FO4 delay is 22 ps."""

LOAD_INVERTERS = 15
"""Default load of an output, in inputs of the FO4's inverter: about 25 fF in Nangate45."""

_DELAY = re.compile(r"(\d+(?:\.\d+)?) ?(ps|ns|FO4)")
_LOAD = re.compile(r"(\d+(?:\.\d+)?) ?(fF|pF)")
_FEMTOFARADS = {"fF": 1.0, "pF": 1000.0}
LARGEST_LOAD_FF = 1e5
"""Largest load that can be asked for; no pin of a chip has as much."""


@dataclass(frozen=True)
class Constraints:
    """A clock, and what stands around the ports.

    Attributes
    ----------
    period_ps:
        The clock's period; the clock is ideal.
    input_delay_ps, output_delay_ps:
        How long after the clock's edge inputs arrive at their driver, and before the next edge outputs are
        due. For hold, inputs change no earlier than that, and outputs are held until the edge.
    setup_uncertainty_ps, hold_uncertainty_ps:
        What jitter, skew and margin take from every path.
    driving_cell:
        Drives each input but the clock.
    load_ff:
        Load of each output.
    fo4_ps:
        The library's FO4 delay, for comparison.
    """

    period_ps: float
    input_delay_ps: float
    output_delay_ps: float
    setup_uncertainty_ps: float
    hold_uncertainty_ps: float
    driving_cell: str
    load_ff: float
    fo4_ps: float

    @property
    def within_ps(self) -> float:
        """What is left of the period for a path between registers."""
        return self.period_ps - self.setup_uncertainty_ps

    def to_json(self) -> dict[str, Any]:
        """Return the constraints as plain data."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }

    def sdc(self, library: Library, clock: str, inputs: Collection[str], outputs: Collection[str]) -> str:
        """Return the constraints as SDC, in the library's units.

        Parameters
        ----------
        library:
            What the netlist is made of.
        clock:
            Name of the clock port, and of the clock.
        inputs, outputs:
            The other ports; a bus as ``name[*]``.
        """

        def time(picoseconds: float) -> str:
            return f"{picoseconds / library.time_unit_ps:.6g}"

        lines = [
            f"# Times in {library.time_unit_ps:g} ps, loads in {library.load_unit_ff:g} fF: the units of "
            f"{library.name}, whose FO4 delay is {self.fo4_ps:.1f} ps.",
            f"create_clock -name {clock} -period {time(self.period_ps)} [get_ports {{{clock}}}]",
            f"set_clock_uncertainty -setup {time(self.setup_uncertainty_ps)} [get_clocks {clock}]",
            f"set_clock_uncertainty -hold {time(self.hold_uncertainty_ps)} [get_clocks {clock}]",
        ]
        if inputs:
            ports = f"[get_ports {{{' '.join(inputs)}}}]"
            lines += [
                f"set_input_delay {time(self.input_delay_ps)} -clock {clock} {ports}",
                f"set_driving_cell -lib_cell {self.driving_cell} {ports}",
            ]
        if outputs:
            ports = f"[get_ports {{{' '.join(outputs)}}}]"
            lines += [
                f"set_output_delay -max {time(self.output_delay_ps)} -clock {clock} {ports}",
                f"set_output_delay -min 0 -clock {clock} {ports}",
                f"set_load {self.load_ff / library.load_unit_ff:.6g} {ports}",
            ]
        return "\n".join(lines) + "\n"


def constrain(
    library: Library,
    period_ps: float,
    *,
    input_delay: str | float | None = None,
    output_delay: str | float | None = None,
    setup_uncertainty: str | float | None = None,
    hold_uncertainty: str | float | None = None,
    driving_cell: str | None = None,
    load: str | float | None = None,
) -> Constraints:
    """Return the constraints of a period and of what was asked for besides, the rest as by default.

    Parameters
    ----------
    library, period_ps:
        What to map to, and the clock's period in picoseconds.
    input_delay, output_delay, setup_uncertainty, hold_uncertainty:
        Such as ``120ps``, ``0.12ns`` or ``5.5FO4``; or a number of picoseconds.
    driving_cell:
        Name of a cell with one output. By default the second buffer by area.
    load:
        Such as ``25fF``, or a number of femtofarads.

    Raises UserError that names the option, LibraryError where the library has no delays.
    """
    if library.untimed:
        raise LibraryError(f"{library.untimed}: the library maps for area alone, without --clock")
    fo4_ps = library.fo4.delay * library.time_unit_ps
    inverter_ff = library.fo4.load * library.load_unit_ff
    driver = driving_cell or library.buffer.name
    if driver not in library.cells or not library.cells[driver].is_driver:
        raise UserError(
            f"--driving-cell {driver}: must be a gate of {library.name} with one output, such as "
            f"{library.buffer.name}"
        )

    def delay(option: str, value: str | float | None, default: str) -> float:
        return _picoseconds(option, default if value is None else value, fo4_ps)

    found = Constraints(
        period_ps=period_ps,
        input_delay_ps=delay("--input-delay", input_delay, INPUT_DELAY),
        output_delay_ps=delay("--output-delay", output_delay, OUTPUT_DELAY),
        setup_uncertainty_ps=delay("--setup-uncertainty", setup_uncertainty, SETUP_UNCERTAINTY),
        hold_uncertainty_ps=delay("--hold-uncertainty", hold_uncertainty, HOLD_UNCERTAINTY),
        driving_cell=driver,
        load_ff=LOAD_INVERTERS * inverter_ff if load is None else _femtofarads(load),
        fo4_ps=fo4_ps,
    )
    taken = found.setup_uncertainty_ps + max(found.input_delay_ps, found.output_delay_ps)
    if taken >= period_ps:
        raise UserError(
            f"--clock: {period_ps:g} ps; must be above setup uncertainty and input or output delay together, "
            f"{taken:.0f} ps"
        )
    return found


def _picoseconds(option: str, value: str | float, fo4_ps: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    match = _DELAY.fullmatch(str(value).strip())
    if match is None:
        raise UserError(f"{option}: {value!r} is not a delay: give for example 120ps, 0.12ns or 5.5FO4")
    return float(match[1]) * {"ps": 1.0, "ns": 1000.0, "FO4": fo4_ps}[match[2]]


def _femtofarads(value: str | float) -> float:
    match = _LOAD.fullmatch(str(value).strip())
    number = float(match[1]) * _FEMTOFARADS[match[2]] if match else value
    if isinstance(number, str | bool) or not 0 <= number <= LARGEST_LOAD_FF:
        raise UserError(
            f"--load: {value!r} is not a load up to {LARGEST_LOAD_FF:g} fF: give for example 25fF"
        )
    return float(number)
