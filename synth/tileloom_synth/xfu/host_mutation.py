"""What a host's mutants are held to: the adapter's bench, and random RISC-V programs on the core.

Of the adapter to CV-X-IF comes a pipeline at random first, which does what CV32E40X does not. Then programs,
with wait states and interrupts: words must be what ``tileloom verify --programs`` wants, and cycles those of
the design without a fault.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from tileloom.cores import CV32E40P
from tileloom.errors import CheckError
from tileloom.processes import OutOfTimeError
from tileloom.xfu.config import Host, XfuConfig
from tileloom_sim.riscv.system import Attachment, System
from tileloom_sim.xfu import adapter
from tileloom_sim.xfu.hosts import CORES
from tileloom_sim.xfu.torture import Drawn, drawn

from ..mutation.mutants import PORT, WIDTH, Mutated
from ..mutation.score import Trial

PROGRAMS = 8
"""Of a regression; one of four is without the unit's instructions."""

INSTRUCTIONS = 5000
"""Of the pipeline at random, four times: waiting or not, commits one by one or batched."""


def trial(config: XfuConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs the benches on one of a host's mutants."""
    verilog = _by_plusarg(mutated.design.verilog, mutated.design.name)
    system = _system(config, mutated.design.name, verilog)
    bench = adapter.build(replace(mutated.design, verilog=verilog)) if config.host is Host.CV_X_IF else None

    def adapts(mutant: int, number: int) -> None:
        if bench is not None:
            rng = np.random.default_rng(seed + number)
            for stall, batched in product((0, 50), (False, True)):
                adapter.run(bench, config, rng, INSTRUCTIONS, stall, batched=batched, mutant=mutant)

    @cache
    def programs(number: int) -> list[Drawn]:
        return [
            drawn(system, config, seed + number, index, with_unit=index % 4 != 3) for index in range(PROGRAMS)
        ]

    @cache
    def right_cycles(number: int) -> dict[tuple[int, str], int]:
        return {
            (place, name): program.run(system, name, 0).cycles
            for place, program in enumerate(programs(number))
            for name in program.conditions
        }

    def passes(mutant: int, number: int) -> bool:
        try:
            adapts(mutant, number)
            for (place, name), cycles in right_cycles(number).items():
                if programs(number)[place].run(system, name, mutant).cycles != cycles:
                    return False
        except (CheckError, OutOfTimeError):
            return False
        return True

    return passes


def _system(config: XfuConfig, name: str, verilog: str) -> System:
    """Return the system with all faults in it; ``verilog`` is that of the adapter, or of the whole core."""
    core = CORES[config.host]
    if config.host is Host.CV_X_IF:
        attachment = Attachment(verilog=verilog, top=name, id_width=config.id_width)
        return System(core=core, coprocessor=attachment)
    # The wrapper sets parameters, which are in the netlist already.
    head = f"module {CV32E40P.top}"
    verilog = verilog.replace(f"{head}(", f"{head} #(parameter COREV_PULP = 1, NUM_MHPMCOUNTERS = 1) (")
    return System(core=core, patch=lambda sources: {"core.v": verilog})


def _by_plusarg(verilog: str, top: str) -> str:
    """Return a design whose port ``mutant`` is a register, set by the plusarg of that name."""
    begin = verilog.index(f"module {top}(")
    end = verilog.index("endmodule", begin)
    module = verilog[begin:end]
    header, semicolon, body = module.partition(";")
    header = re.sub(rf",\s*{PORT}\b|\b{PORT}\s*,", "", header)
    port = f"  input [{WIDTH - 1}:0] {PORT};\n  wire [{WIDTH - 1}:0] {PORT};\n"
    assert port in body
    register = (
        f"  reg [{WIDTH - 1}:0] {PORT} = 0;\n"
        f'  initial if (!$value$plusargs("{PORT}=%d", {PORT})) {PORT} = 0;\n'
    )
    return f"{verilog[:begin]}{header}{semicolon}{body.replace(port, register)}{verilog[end:]}"
