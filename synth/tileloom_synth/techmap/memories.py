"""Memories in synthesis: what macros stand for is left out, counted in bits, modelled for simulators."""

from __future__ import annotations

from collections.abc import Collection

from tileloom.netlist.text import black_boxes, split_modules


def without(verilog: str, modules: Collection[str]) -> str:
    """Return ``verilog`` with only the ports of ``modules``, as black boxes.

    Raises ``tileloom.netlist.text.LayoutError``, a ValueError, that names a module that is not there.
    """
    return black_boxes(verilog, modules)


def models(verilog: str, modules: Collection[str]) -> dict[str, str]:
    """Return ``modules`` of ``verilog`` as they are, the macros' behavioural models. Raises LayoutError."""
    there = split_modules(verilog)
    return {name: there[name] for name in modules}
