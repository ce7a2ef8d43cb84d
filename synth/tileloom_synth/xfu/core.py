"""CV32E40P as a netlist for proofs, with xDecimate in its pipeline or as it is installed.

The clock gate is taken for a wire: a cycle in which it stops the clock changes no register behind it. Resets
are those of a clock edge: what a reset without one begins is what it holds at the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from tileloom import scratch, yosys
from tileloom.cores import CV32E40P, Sources
from tileloom.netlist.text import plain_names
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources

from ..system_verilog import ungated
from ..verify.netlist import TOP, Net, Netlist, cone, parse

SLANG = "read_slang --keep-hierarchy --top {core} -G COREV_PULP=1 {files}"

READ = """
{read}
hierarchy -check -top {core}
{given}
rename {core} {top}
proc
bwmuxmap
flatten
opt_clean
memory_collect
memory_map
opt_dff -nodffe -nosdff
techmap -map +/adff2dff.v
dffunmap
setundef -undriven -zero
opt_clean
write_smt2 -bv -wires core.smt2
"""

CORE = "cv32e40p_core"


@dataclass(frozen=True)
class Core:
    """The core: its netlist, all signals by their names, and the names of its registers and inputs.

    ``rst`` is 1 while the core's own reset, ``rst_ni``, is low.
    """

    netlist: Netlist
    registers: tuple[str, ...]
    inputs: tuple[str, ...]


@cache
def installed() -> Core:
    """Return the core as it is installed."""
    return read(CV32E40P.sources())


@cache
def with_unit(config: XfuConfig) -> Core:
    """Return the core with the unit that ``config`` describes."""
    return read(patch_sources(CV32E40P.sources(), config))


def read(sources: Sources) -> Core:
    """Return the core in some files. Raises ``yosys.YosysError`` where slang or Yosys refuses them."""
    files = {file: plain_names(text) for file, text in ungated(sources).items()}
    return read_by(SLANG.format(core=CORE, files=" ".join(files)), files)


def read_by(read: str, files: Mapping[str, str], given: str = "") -> Core:
    """Return the core as Yosys's commands ``read`` find it in files, ``given`` what its ports are given."""
    with scratch.folder() as folder:
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        yosys.run(READ.format(read=read, core=CORE, top=TOP, given=given), folder=folder)
        text = (folder / "core.smt2").read_text(encoding="utf-8")
    netlist = parse(text)
    reset = Net(f"|{TOP}_n rst|", "Bool", f"(not (|{TOP}_n rst_ni| state))")
    registers, inputs = (
        tuple(re.findall(rf"^; yosys-smt2-{kind} (\S+) \d+", text, re.MULTILINE))
        for kind in ("register", "input")
    )
    nets = {net.name: net for net in netlist.nets}
    named = set().union(*(cone(nets, f"|{TOP}_n {name}|") for name in registers))
    if not named >= {name for name, _ in netlist.registers}:
        raise ValueError("a register of the core has no name")
    return Core(replace(netlist, nets=(*netlist.nets, reset)), registers, inputs)
