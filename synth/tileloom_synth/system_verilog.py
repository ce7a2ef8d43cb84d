"""SystemVerilog, which Yosys's own reader does not take in full, to the plain Verilog that the flow does.

By slang, which comes with pyosys (``read_slang``), so that whole cores can be measured.
"""

from __future__ import annotations

from collections.abc import Mapping

from tileloom import scratch, yosys
from tileloom.cores import Sources
from tileloom.netlist.text import module_name, plain_names

# A multiplexer for each bit has no operator in Verilog; Yosys would write it as a module that is not there.
CONVERT = """
read_slang --keep-hierarchy --top {top} {options} {files}
hierarchy -check -top {top}
proc
{flatten}
bwmuxmap
opt_clean
write_verilog -noattr design.v
"""


def to_verilog(
    sources: Mapping[str, str],
    top: str,
    *,
    parameters: Mapping[str, int] | None = None,
    defines: Mapping[str, str] | None = None,
    flatten: bool = True,
) -> str:
    """Return a design as Verilog.

    Parameters
    ----------
    sources:
        Text by file name, in the order in which the files must be read; those that end in ``.svh`` are
        included by others.
    top:
        Its top module.
    parameters, defines:
        Of the top module; macros.
    flatten:
        Make one module of it.

    Raises ``yosys.YosysError`` where slang or Yosys refuses it.
    """
    options = ["-I ."] + [f"-G {name}={value}" for name, value in (parameters or {}).items()]
    options += [f"-D {name}={value}" for name, value in (defines or {}).items()]
    with scratch.folder() as folder:
        for file, text in sources.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(plain_names(text), encoding="utf-8")
        script = CONVERT.format(
            top=top,
            options=" ".join(options),
            files=" ".join(file for file in sources if not file.endswith(".svh")),
            flatten="flatten" if flatten else "",
        )
        lines: list[str] = []
        try:
            yosys.run(script, folder=folder, on_line=lines.append)
        except yosys.YosysError as error:
            # Yosys's own last word is only that slang failed.
            reasons = [line for line in lines if "ERROR: " in line]
            raise yosys.YosysError(reasons[0] if reasons else str(error)) from None
        return (folder / "design.v").read_text(encoding="utf-8")


CLOCK_GATE = "sim_clock_gate.sv"
"""How the name of the file ends that has the model of a clock gate."""


def ungated(sources: Sources) -> Sources:
    """Return a core's sources with the model of a clock gate replaced by a wire."""
    gate = next(name for name in sources if name.endswith(CLOCK_GATE))
    ports = "input clk_i, en_i, scan_cg_en_i, output clk_o"
    name = module_name(sources[gate])
    wire = f"module {name} #(parameter LIB = 0) ({ports}); assign clk_o = clk_i; endmodule\n"
    return {**sources, gate: wire}
