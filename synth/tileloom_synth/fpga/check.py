"""``tileloom synth --fpga --check``: the family's regression, against the golden model, on the netlist.

Yosys's models of the FPGA's primitives, and ours of those that it has none of (``models``), take the places
of the primitives; what comes is simulated in the place of the design's own Verilog.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tileloom import scratch, yosys
from tileloom.config import Config
from tileloom.design import Design
from tileloom.families import family_of

from .families import Family
from .mapping import Mapped

MODELS = Path(__file__).with_name("models")

BACK = """
read_verilog -overwrite +/{cells}
{models}
read_rtlil netlist.il
hierarchy -check -top {top}
proc
flatten -wb
opt_expr
opt_clean
check -assert
rename {top} netlist
write_verilog -noattr netlist.v
"""


def as_verilog(mapped: Mapped, family: Family) -> str:
    """Return a netlist with the models of its primitives in their places.

    It is a module inside the top, for a bench reaches into the top: that costs a simulator every net there.
    """
    ports = ", ".join(f"{way} [{width - 1}:0] {name}" for name, (way, width) in mapped.ports.items())
    pins = ", ".join(f".{name}({name})" for name in mapped.ports)
    top = f"module {mapped.top}({ports});\n  netlist netlist({pins});\nendmodule\n"
    own = MODELS / f"{Path(family.cells).parent.name}.v"
    with scratch.folder() as folder:
        (folder / "netlist.il").write_text(mapped.rtlil, encoding="utf-8")
        models = ""
        if own.exists():
            (folder / "models.v").write_text(own.read_text("utf-8"), encoding="utf-8")
            models = "read_verilog -overwrite models.v"
        script = BACK.format(cells=family.cells, models=models, top=mapped.top)
        yosys.run(script, folder=folder)
        return (folder / "netlist.v").read_text("utf-8") + top


def regress(config: Config, design: Design, mapped: Mapped, family: Family, seed: int) -> dict[str, Any]:
    """Return what the regression of a design compared on its netlist. Raises CheckError where it differs."""
    verilog = as_verilog(mapped, family)
    flat = replace(design, verilog=verilog, manifest={**design.manifest, "modules": {design.name: "top"}})
    return {"seed": seed, **family_of(config).room("tileloom_synth", "fpga").regress(config, flat, seed)}
