"""``NAME.rtl.f``: the RTL in the order in which a tool must read it."""

from __future__ import annotations

from ..design import Design


def rtl(design: Design) -> list[str]:
    """Return the names of a design's Verilog files, in the order in which a tool must read them."""
    return list(design.manifest.get("files", [f"{design.name}.v"]))


def file_list(design: Design) -> str:
    """Return the list, of paths from its own folder: ``-F NAME.rtl.f`` of Verilator, VCS, Questa, Xcelium."""
    return "".join(f"{name}\n" for name in rtl(design))
