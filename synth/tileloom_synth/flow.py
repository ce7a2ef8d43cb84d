"""The synthesis flow: Verilog in, a netlist of library cells out, by Yosys and ABC.

```
 read --> [flatten] --> multipliers --> adders --> gates --> full adders --> clock gates --> flops --> ABC
                        (multiplier)    (prefix)             (library's)    (library's)
```

Hierarchical by default: each distinct module is synthesised once, however many instances it has, so that time
and memory follow the number of modules. What a boundary between modules costs in area decides which are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tileloom import scratch, yosys
from tileloom.arith.partial_products import booth_pays
from tileloom.netlist.text import rtlil_modules, rtlil_parameters, unsigned

from .library.recipes import RELAXED_PS, Options
from .library.standard_cells import Library
from .techmap import digit_product, dot_product, full_adder, multiplier, scaled_magnitude

READ = """
read_verilog design.v
hierarchy -check -top {top}
proc
setattr -set register 1 t:$dff %co1:+[Q] w:* %i
opt
wreduce
opt_clean
write_rtlil design.il
"""
"""What does not depend on options. ``wreduce`` narrows what Verilog widened; with an attribute of their own
the names of registers outlive those of their aliases."""

MAP = """
read_rtlil design.il
read_liberty -lib -ignore_miss_func {functions}
hierarchy -top {top}
{flatten}
{multipliers}
opt
wreduce
peepopt
opt_clean
alumacc
share
{carry_chains}
opt
memory
opt -full
techmap
opt -fast
opt -full
techmap -map full_adder.v
techmap
opt -full
setattr -unset init
{clock_gates}
dfflegalize -cell $_DFF_P_ x -cell $_DFF_PN0_ x -cell $_DFF_PN1_ x
dfflibmap -liberty {functions}
{abc}
opt_clean -purge
check -mapped -assert
rename -enumerate -pattern u% c:*

write_json netlist.json
write_verilog -noattr -simple-lhs netlist.v
"""

OUTPUT_LOAD_FF = 5.0
"""What ABC takes every output of a module to drive, in femtofarads; most of them are inputs of flip-flops."""

SMALLEST_GATED = 3
"""Fewest flip-flops that a clock gate pays for itself with."""


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
        The netlist, which OpenSTA and Icarus read as it is.
    options:
        What it was mapped with.
    abc_delay_ps:
        The longest path that ABC sees, module by module; full adders, which are not its own, end a path.
    faster:
        What modules were mapped with that were mapped otherwise.
    """

    top: str
    modules: dict[str, Any]
    verilog: str
    options: Options
    abc_delay_ps: float
    faster: Mapping[str, Options] = field(default_factory=dict)


class Flow:
    """One design on its way to one library; what does not depend on the options is done once.

    Parameters
    ----------
    verilog, top, library:
        The text, the module of it to synthesise, and what to map to.
    units:
        Modules to keep whole, without boundaries inside, where ``Options.hierarchy`` is ``units``.
    on_line:
        Called with each line of Yosys's log, for progress.

    Raises ``yosys.YosysError`` where Yosys does not accept the Verilog or ``top``.
    """

    def __init__(
        self,
        verilog: str,
        top: str,
        library: Library,
        units: Iterable[str] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.top = top
        self.library = library
        self._on_line = on_line
        with scratch.folder() as folder:
            for trees in (digit_product, dot_product, scaled_magnitude):
                verilog = trees.as_trees(verilog)
            (folder / "design.v").write_text(full_adder.STUB + full_adder.as_cells(verilog), encoding="utf-8")
            yosys.run(READ.format(top=top), folder=folder, on_line=on_line)
            self._rtlil = (folder / "design.il").read_text(encoding="utf-8")
        there = rtlil_modules(self._rtlil)
        self._units = [unit for unit in units if unit in there]

    def map(self, options: Options, faster: Mapping[str, Options] | None = None) -> Mapped:
        """Return the design mapped with ``options``.

        Parameters
        ----------
        options:
            How to map.
        faster:
            Modules whose ``logic``, ``prefix`` and ``clock_ps`` are others; the rest is as in ``options``.

        Raises ``yosys.YosysError`` where Yosys or ABC fails.
        """
        with scratch.folder() as folder:
            for file, text in self._inputs(options).items():
                (folder / file).write_text(text, encoding="utf-8")
            log = yosys.run(self._script(options, faster or {}, folder), folder=folder, on_line=self._on_line)
            netlist = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
            # OpenSTA of 2019 reads no signed ports, and drops what it cannot read.
            verilog = unsigned((folder / "netlist.v").read_text(encoding="utf-8"))
        modules = {
            module: body
            for module, body in netlist["modules"].items()
            if not int(body["attributes"].get("blackbox", "0"), 2)
        }
        delays = [float(delay) for delay in re.findall(r"Delay = +([\d.]+) ps", log)]
        return Mapped(self.top, modules, verilog, options, max(delays, default=0.0), faster or {})

    def _inputs(self, options: Options) -> dict[str, str]:
        """Return the files that the script reads, by name."""
        return {
            "design.il": self._rtlil,
            "multipliers_area.v": self._multipliers(options, fast=False),
            "multipliers_fast.v": self._multipliers(options, fast=True),
            "full_adder.v": full_adder.techmap(self.library.full_adder if options.full_adders else None),
            "constraints": f"set_driving_cell {options.driver or self.library.buffer.name}\n"
            f"set_load {OUTPUT_LOAD_FF:g}\n",
        }

    def _multipliers(self, options: Options, *, fast: bool) -> str:
        """Return the techmap of every kind of multiplier in the design."""
        names = ("A_WIDTH", "B_WIDTH", "Y_WIDTH", "A_SIGNED", "B_SIGNED")
        kinds = set()
        for cell in rtlil_parameters(self._rtlil, "$mul", names):
            a, b, y, a_signed, b_signed = (cell[name] for name in names)
            kinds.add((a, b, y, a_signed == b_signed == 1))
        return "".join(
            multiplier.techmap(a, b, y, booth=options.booth and booth_pays(a, b, fast=fast), signed=signed)
            for a, b, y, signed in sorted(kinds)
        )

    def _flatten(self, options: Options) -> str:
        if options.hierarchy == "flat":
            return "flatten\nopt"
        if options.hierarchy == "units":
            return "\n".join([*(f"flatten {unit}" for unit in self._units), "opt"])
        return ""

    def _script(self, options: Options, faster: Mapping[str, Options], folder: Path) -> str:
        library = self.library
        gated = library.clock_gate and options.clock_gates
        # Those with a way of their own come first: what is mapped already is left alone.
        ways = [*((way, f"{module}/") for module, way in faster.items()), (options, "")]
        return MAP.format(
            folder=folder,
            top=self.top,
            functions=library.functions,
            timing=library.timing,
            flatten=self._flatten(options),
            multipliers="\n".join(
                f"techmap -map multipliers_{'area' if way.logic == 'area' else 'fast'}.v {module}t:$mul"
                for way, module in ways
            ),
            carry_chains="\n".join(
                f"techmap -map +/techmap.v -map +/choices/{way.prefix}.v {module}t:$alu {module}t:$lcu"
                for way, module in ways
            ),
            clock_gates=(
                f"clockgate -liberty {library.functions} -min_net_size {SMALLEST_GATED}" if gated else ""
            ),
            abc="\n".join(self._abc(way, module.rstrip("/"), folder) for way, module in ways),
        )

    def _abc(self, options: Options, module: str, folder: Path) -> str:
        """Return the command for one module, or for all that is left."""
        period = RELAXED_PS if options.clock_ps is None else options.clock_ps
        # ABC takes commands separated by commas for blanks when they come with Yosys's own.
        script = options.abc_script.replace(" ", ",").replace(";,", ";")
        files = f"-liberty {self.library.timing} -constr {folder}/constraints"
        return f"abc {files} -D {period:g} -script +{script} {module}"
