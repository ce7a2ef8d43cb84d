"""``NAME.veo``: an instance of the design with every port connected by name, to be pasted."""

from __future__ import annotations

from ..design import Design
from .pins import Interface, Kind, Pin, Ports


def template(design: Design, ports: Ports) -> str:
    """Return wires for all ports and the instance, in Verilog; the wires have the ports' names."""
    clocks = [pin for pin in ports.pins if pin.name in (ports.clock, ports.reset)]
    level = "active low" if ports.active_low else "active high"
    lines = [
        f"// An instance of {design.name}. Outputs of the block are wires here, its inputs registers or "
        "wires",
        "// of yours. Copy, rename, and delete what you have already.",
        "",
        f"// {ports.clock}: rising edge. {ports.reset}: synchronous, {level}, one cycle is enough.",
        *(_wire(pin) for pin in clocks),
    ]
    for interface in ports.interfaces:
        lines += ["", f"// {_heading(interface)}", *(_wire(pin) for pin in interface.pins)]
    connections = []
    for heading, pins in [("", clocks), *((_heading(each), each.pins) for each in ports.interfaces)]:
        connections += [f"    // {heading}"] if heading else []
        connections += [f"    .{pin.name}({pin.name})," for pin in pins]
    connections[-1] = connections[-1].removesuffix(",")
    return "\n".join([*lines, "", f"{design.name} {design.name}_i (", *connections, ");", ""])


def _wire(pin: Pin) -> str:
    return f"wire {pin.declared}{pin.name};  // {'to' if pin.inward else 'from'} the block"


def _heading(interface: Interface) -> str:
    if interface.kind is Kind.PLAIN:
        return interface.name
    role = {True: "the block receives", False: "the block sends"}
    if interface.kind in (Kind.AXI4, Kind.AXI4_LITE):
        role = {True: "the block is the subordinate", False: "the block is the manager"}
    if interface.kind is Kind.CV_X_IF:
        return "CV-X-IF, the block is the coprocessor"
    return f"{interface.name}: {interface.kind.value}, {role[interface.inward]}"
