"""Configurations of place and route for the netlist as it is: LibreLane's and OpenROAD-flow-scripts'.

Variables as in LibreLane's *Configuration Reference* and in the *Flow Variables* of OpenROAD-flow-scripts.
Both are told not to synthesise again. Layouts of memories are the user's, under the names that stand here.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from tileloom.errors import UserError

UTILISATION = 45
"""Share of the core's area that cells take, in per cent: room for a clock tree and for routing."""


@dataclass(frozen=True)
class Process:
    """A process: how its library's name begins, LibreLane's PDK or None, OpenROAD-flow-scripts' platform."""

    prefix: str
    pdk: str | None
    platform: str


PROCESSES = {
    "sky130": Process("sky130_fd_sc_hd", "sky130A", "sky130hd"),
    "ihp-sg13g2": Process("sg13g2_stdcell", "ihp-sg13g2", "ihp-sg13g2"),
    "nangate45": Process("NangateOpenCellLibrary", None, "nangate45"),
}
FLOWS = {"librelane": ".librelane.json", "openroad": ".openroad.mk"}
"""Flows, and what the names of their configurations end in."""


def check_flow(flow: str, library: str) -> Process:
    """Return the process of a library's name. Raises UserError where the flow has none for it."""
    for name, process in PROCESSES.items():
        if library.startswith(process.prefix):
            if flow == "librelane" and process.pdk is None:
                raise UserError(f"--hand-off librelane: LibreLane has no PDK {name}; --hand-off openroad has")
            return process
    raise UserError(f"--hand-off {flow}: {library} is of none of the processes {', '.join(PROCESSES)}")


@dataclass(frozen=True)
class Block:
    """What is handed on: names of the top module, its clock port and files, and of its memories' modules."""

    top: str
    clock: str
    period_ps: float
    netlist: str
    sdc: str
    memories: Collection[str]
    memory_models: str


def librelane(block: Block, process: Process) -> str:
    """Return LibreLane's configuration, JSON."""
    config: dict[str, object] = {
        "meta": {"version": 2, "flow": "Classic"},
        "PDK": process.pdk,
        "DESIGN_NAME": block.top,
        "VERILOG_FILES": [f"dir::{block.netlist}"],
        "SYNTH_ELABORATE_ONLY": True,
        "CLOCK_PORT": block.clock,
        "CLOCK_PERIOD": round(block.period_ps / 1000, 6),
        "PNR_SDC_FILE": f"dir::{block.sdc}",
        "SIGNOFF_SDC_FILE": f"dir::{block.sdc}",
        "FP_CORE_UTIL": UTILISATION,
    }
    if block.memories:
        config["MACROS"] = {
            name: {
                "gds": [f"dir::{name}.gds"],
                "lef": [f"dir::{name}.lef"],
                "lib": {"*": [f"dir::{name}.lib"]},
                "vh": [f"dir::{block.memory_models}"],
            }
            for name in block.memories
        }
    return json.dumps(config, indent=2) + "\n"


def openroad(block: Block, process: Process) -> str:
    """Return the ``config.mk`` of OpenROAD-flow-scripts; paths are from the folder that it is in."""
    here = "$(dir $(DESIGN_CONFIG))"
    variables = {
        "DESIGN_NAME": block.top,
        "PLATFORM": process.platform,
        "VERILOG_FILES": f"{here}{block.netlist}",
        "SYNTH_NETLIST_FILES": "$(VERILOG_FILES)",
        "SDC_FILE": f"{here}{block.sdc}",
        "CORE_UTILIZATION": str(UTILISATION),
    }
    for variable, kind in (("LEFS", "lef"), ("LIBS", "lib"), ("GDS", "gds")) if block.memories else ():
        variables[f"ADDITIONAL_{variable}"] = " ".join(f"{here}{name}.{kind}" for name in block.memories)
    return "".join(f"export {name} = {value}\n" for name, value in variables.items())


def configuration(flow: str, block: Block, process: Process) -> str:
    """Return the configuration for one of ``FLOWS``."""
    return librelane(block, process) if flow == "librelane" else openroad(block, process)
