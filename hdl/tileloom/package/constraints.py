"""``NAME.rtl.sdc``: the clock and what stands around the ports, for whoever synthesises the RTL.

``tileloom synth -o`` writes constraints too, ``NAME.sdc``, of its netlist and in its library's units; these
are of the RTL, in nanoseconds, and name no cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .pins import Ports


@dataclass(frozen=True)
class Timing:
    """A clock, and what is taken of it, in nanoseconds; ``source`` says where the figures are from."""

    period: float
    input_delay: float
    output_delay: float
    setup_uncertainty: float
    hold_uncertainty: float
    source: str


DEFAULT = Timing(
    10.0, 3.0, 3.0, 0.2, 0.05, "a default, 100 MHz with 30 % for what is outside: put in your own"
)
"""What stands there where no synthesis was kept: says so, and is easy to meet."""


def timing_of(synthesis: Mapping[str, Any] | None) -> Timing:
    """Return what a saved ``tileloom synth --clock`` was held to, else the default."""
    found = ((synthesis or {}).get("timing") or {}).get("constraints")
    if found is None:
        return DEFAULT
    names = ("period", "input_delay", "output_delay", "setup_uncertainty", "hold_uncertainty")
    figures = {name: found[f"{name}_ps"] / 1000 for name in names}
    return Timing(**figures, source=f"tileloom synth on {(synthesis or {})['library']}")


def sdc(ports: Ports, timing: Timing) -> str:
    """Return the constraints."""
    clock = ports.clock
    inputs = [f"{pin.name}[*]" if pin.width > 1 else pin.name for pin in ports.pins if pin.inward]
    outputs = [f"{pin.name}[*]" if pin.width > 1 else pin.name for pin in ports.pins if not pin.inward]
    inputs.remove(clock)

    def delay(command: str, value: float, names: Sequence[str]) -> str:
        return f"{command} {value:g} -clock {clock} [get_ports {{{' '.join(names)}}}]"

    return "\n".join(
        [
            f"# Times in ns, from {timing.source}.",
            f"# All ports belong to the clock; the reset, {ports.reset}, is synchronous and an input like "
            "others.",
            f"create_clock -name {clock} -period {timing.period:g} [get_ports {clock}]",
            f"set_clock_uncertainty -setup {timing.setup_uncertainty:g} [get_clocks {clock}]",
            f"set_clock_uncertainty -hold {timing.hold_uncertainty:g} [get_clocks {clock}]",
            delay("set_input_delay", timing.input_delay, inputs),
            delay("set_output_delay -max", timing.output_delay, outputs),
            delay("set_output_delay -min", 0, outputs),
            "",
        ]
    )
