"""``NAME.gtkw``: the pins of a design in groups, for GTKWave, whatever simulation the waves are of.

Signals stand there under each name that they have in one of our simulations; GTKWave leaves out what is not
in the file that it shows.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from vcd.gtkw import GTKWSave

from ..design import Design
from .pins import Kind, Pin, Ports

COPROCESSOR = "TOP.tileloom_riscv_system.core.coprocessor"
"""Where a coprocessor is in the RISC-V system that ``tileloom simulate`` runs it in."""


def gtkwave(design: Design, ports: Ports, testbench: str) -> str:
    """Return the save file: ``gtkwave WAVES NAME.gtkw``.

    ``testbench`` is the module that may have written the waves; else Verilator has, with or without cocotb.
    """
    scopes = [f"TOP.{design.name}", design.name, testbench]
    if any(interface.kind is Kind.CV_X_IF for interface in ports.interfaces):
        scopes.append(COPROCESSOR)
    text = io.StringIO()
    save = GTKWSave(text)
    clocks = [pin for pin in ports.pins if pin.name in (ports.clock, ports.reset)]
    for title, pins in [("clock", clocks), *((each.name, each.pins) for each in ports.interfaces)]:
        with save.group(title):
            for pin in pins:
                _add(save, pin, scopes)
    return text.getvalue()


def _add(save: GTKWSave, pin: Pin, scopes: Sequence[str]) -> None:
    bits = f"[{pin.width - 1}:0]" if pin.width > 1 else ""
    for scope in scopes:
        save.trace(f"{scope}.{pin.name}{bits}", datafmt="hex")
