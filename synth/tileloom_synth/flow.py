"""The synthesis flow: Verilog in, a netlist of library cells out, by Yosys and ABC.

```
 read --> [flatten] --> multipliers --> adders --> gates --> full adders --> clock gates --> flops --> ABC
                        (multiplier)    (prefix)             (library's)    (library's)
```

Hierarchical by default: each distinct module is synthesised once, however many instances it has, so that time
and memory follow the number of modules.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tileloom import yosys

from . import multiplier
from .library import Library

AREA_SCRIPT = "strash; dch; amap -m; topo; buffer -c -N 16; upsize {D}; dnsize {D}; stime -p"
"""ABC: area first. Smaller than ABC's own script for Yosys by a tenth, and no slower."""

SPEED_SCRIPT = "&get -n; &st; &dch; &nf; &put; topo; buffer -c -N 16; upsize {D}; dnsize {D}; stime -p"
"""ABC: delay first."""

RELAXED_PS = 1_000_000
"""The period that ABC is given where none is asked for: nothing is sized up."""


@dataclass(frozen=True)
class Options:
    """How to map.

    Attributes
    ----------
    flat:
        Flatten everything before mapping.
    clock_ps:
        What ABC aims for, in picoseconds, or None for the smallest area.
    script:
        ABC's commands.
    prefix:
        Structure of the carry chains: ``han-carlson``, ``kogge-stone`` or ``sklansky``, as Yosys names them.
    """

    flat: bool = False
    clock_ps: float | None = None
    script: str = AREA_SCRIPT
    prefix: str = "han-carlson"

    def describe(self, library: Library) -> dict[str, Any]:
        """Return what a report says of these options."""
        return {
            "hierarchy": "flat" if self.flat else "kept",
            "multipliers": "Booth radix 4, or AND where narrower",
            "full_adders": library.full_adder.cell if library.full_adder else "gates",
            "carry_chains": self.prefix,
            "clock_gates": library.clock_gate or "none: enable multiplexers",
            "abc": "area" if self.script == AREA_SCRIPT else "speed",
            "abc_period_ps": self.clock_ps,
        }


@dataclass(frozen=True)
class Mapped:
    """A mapped design.

    Attributes
    ----------
    top:
        Name of the top module.
    modules:
        Yosys's JSON of each module by name: ports, cells and netnames (``write_json``).
    verilog:
        The netlist.
    options:
        What it was mapped with.
    abc_delay_ps:
        The longest path that ABC sees, module by module; full adders, which are not its own, end a path.
    """

    top: str
    modules: dict[str, Any]
    verilog: str
    options: Options
    abc_delay_ps: float


class Flow:
    """One design on its way to one library; what does not depend on the options is done once.

    Raises ``yosys.YosysError`` where Yosys does not accept the Verilog or ``top``.
    """

    def __init__(
        self, verilog: str, top: str, library: Library, on_line: Callable[[str], None] | None = None
    ) -> None:
        self.top = top
        self.library = library
        self._on_line = on_line
        with tempfile.TemporaryDirectory(prefix="tileloom-") as name:
            source, target = Path(name, "design.v"), Path(name, "design.il")
            source.write_text(verilog, encoding="utf-8")
            yosys.run(
                f"read_verilog {source}\nhierarchy -check -top {top}\nproc\nopt\nwreduce\nopt_clean\nwrite_rtlil {target}",
                on_line=on_line,
            )
            self._rtlil = target.read_text(encoding="utf-8")

    def map(self, options: Options) -> Mapped:
        """Return the design mapped with ``options``."""
        with tempfile.TemporaryDirectory(prefix="tileloom-") as name:
            folder = Path(name)
            (folder / "design.il").write_text(self._rtlil, encoding="utf-8")
            (folder / "multipliers.v").write_text(self._multipliers(), encoding="utf-8")
            (folder / "full_adder.v").write_text(self._full_adder(), encoding="utf-8")
            (folder / "constraints").write_text(
                f"set_driving_cell {self.library.buffer.name}\nset_load {self._load():g}\n", encoding="utf-8"
            )
            log = yosys.run(self._script(options, folder), on_line=self._on_line)
            netlist = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
            verilog = (folder / "netlist.v").read_text(encoding="utf-8")
        modules = {
            module: body
            for module, body in netlist["modules"].items()
            if not int(body["attributes"].get("blackbox", "0"), 2)
        }
        delays = [float(delay) for delay in re.findall(r"Delay = +([\d.]+) ps", log)]
        return Mapped(self.top, modules, verilog, options, max(delays, default=0.0))

    def _load(self) -> float:
        """Return what ABC takes every output to drive: 5 fF, in the library's unit."""
        return 5.0 / self.library.load_unit_ff

    def _script(self, options: Options, folder: Path) -> str:
        functions, timing = self.library.functions, self.library.timing
        # ABC takes commands separated by commas for blanks when they come with Yosys's own.
        abc = "+" + options.script.replace(" ", ",").replace(";,", ";")
        period = options.clock_ps if options.clock_ps is not None else RELAXED_PS
        gates = f"clockgate -liberty {functions} -min_net_size 3" if self.library.clock_gate else ""
        return f"""
read_rtlil {folder}/design.il
read_verilog -lib {folder}/full_adder.v
read_liberty -lib -ignore_miss_func {functions}
hierarchy -top {self.top}
{"flatten; opt" if options.flat else ""}
techmap -map {folder}/multipliers.v
opt
wreduce
peepopt
opt_clean
alumacc
share
techmap -map +/techmap.v -map +/choices/{options.prefix}.v t:$alu t:$lcu
opt
memory
opt -full
techmap
opt -fast
opt -full
techmap -map {folder}/full_adder.v
techmap
opt -full
setattr -unset init
{gates}
dfflegalize -cell $_DFF_P_ x -mince 99999 -minsrst 99999
dfflibmap -liberty {functions}
abc -liberty {timing} -D {period:g} -constr {folder}/constraints -script {abc}
opt_clean -purge
check -mapped
write_json {folder}/netlist.json
write_verilog -noattr {folder}/netlist.v
"""

    def _multipliers(self) -> str:
        """Return the techmap of every width of multiplier in the design."""
        widths = set()
        for cell in re.findall(r"^  cell \$mul .*?^  end$", self._rtlil, re.MULTILINE | re.DOTALL):
            parameters = dict(re.findall(r"parameter (?:signed )?\\(\w+) (\d+)", cell))
            widths.add(tuple(int(parameters[f"{port}_WIDTH"]) for port in "ABY"))
        return "".join(multiplier.techmap(a, b, y, booth=b >= 6) for a, b, y in sorted(widths))

    def _full_adder(self) -> str:
        """Return what stands for a full adder: a library's cell, or gates where an input is constant."""
        name, cell = multiplier.FULL_ADDER, self.library.full_adder
        gates = "assign S = A ^ B ^ C; assign K = (A & B) | (C & (A | B));"
        if cell is None:
            body = gates
        else:
            a, b, c = cell.inputs
            body = f"""
  generate if (_TECHMAP_CONSTMSK_A_ | _TECHMAP_CONSTMSK_B_ | _TECHMAP_CONSTMSK_C_) begin
    {gates}
  end else begin
    wire s, k;
    {cell.cell} adder (.{a}(A), .{b}(B), .{c}(C), .{cell.sum}(s), .{cell.carry}(k));
    assign S = {"~" if cell.sum_inverted else ""}s;
    assign K = {"~" if cell.carry_inverted else ""}k;
  end endgenerate"""
        return f"""
(* techmap_celltype = "{name}" *)
module {name} (A, B, C, S, K);
  input A, B, C; output S, K;
  parameter _TECHMAP_CONSTMSK_A_ = 0; parameter _TECHMAP_CONSTMSK_B_ = 0; parameter _TECHMAP_CONSTMSK_C_ = 0;
  {body}
endmodule
"""


def faster(options: Options, period_ps: float) -> list[Options]:
    """Return variants of ``options`` to try for a clock period, the most likely smallest first."""
    return [
        replace(options, script=script, prefix=prefix, clock_ps=factor * period_ps)
        for factor in (0.95, 0.5)
        for script in (AREA_SCRIPT, SPEED_SCRIPT)
        for prefix in ("han-carlson", "kogge-stone")
    ]
