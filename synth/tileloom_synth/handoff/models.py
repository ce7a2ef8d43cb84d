"""Models in Verilog of the cells of a netlist, from what liberty says of them, for simulators.

Yosys writes gates and flip-flops; clock gates, whose state liberty gives as a table, are written here. There
are no delays in them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tileloom import scratch, yosys
from tileloom.netlist.text import split_modules

from ..library.cells import Cell, pins
from ..library.standard_cells import Library

_GATE = """module {name}({ports});
  {inputs}
  output {gated};
  reg enabled;
  always @* if (!{clock}) enabled = {enable};
  assign {gated} = {clock} & enabled;
endmodule
"""


def cell_models(library: Library, used: Iterable[str]) -> str:
    """Return Verilog with a module for each cell of ``used``. Raises ``yosys.YosysError``."""
    names = sorted(used)
    with scratch.folder() as folder:
        yosys.run(
            f"read_liberty -ignore_miss_func {library.functions}\nproc\nwrite_verilog -noattr cells.v\n",
            folder=folder,
        )
        modules = split_modules((folder / "cells.v").read_text(encoding="utf-8"))
    cells = (library.cells[name] for name in names)
    return "\n".join(_clock_gate(cell) if cell.clock_gate else modules[cell.name] for cell in cells)


def _clock_gate(cell: Cell) -> str:
    """Return a clock gate with a latch that is open while the clock is low; a test pin opens it too."""
    of: dict[str, list[str]] = {role: [] for role in ("clock", "enable", "test", "out")}
    for name, pin in pins(cell.group):
        for role, names in of.items():
            if pin.attributes.get(f"clock_gate_{role}_pin") == "true":
                names.append(name)
    inputs = [*of["clock"], *of["enable"], *of["test"]]
    return _GATE.format(
        name=cell.name,
        ports=", ".join([*inputs, *of["out"]]),
        inputs=f"input {', '.join(inputs)};",
        gated=of["out"][0],
        clock=of["clock"][0],
        enable=" | ".join([*of["enable"], *of["test"]]),
    )
