"""The RISC-V system with an array in it: on CV32E40X's CV-X-IF, or at CV32E40P's auxiliary port."""

from __future__ import annotations

import functools

from tileloom.errors import ConfigError
from tileloom.systolic.config import Host, SystolicConfig
from tileloom.systolic.coprocessor.cv32e40p.patch import changed_sources
from tileloom.systolic.design import generate

from ..build import verilator
from ..riscv.system import Attachment, System

CORES = {Host.CV32E40P: "cv32e40p_fpu", Host.CV_X_IF: "cv32e40x"}
"""The core that a host's array is simulated on."""


def coprocessor_system(config: SystolicConfig, *, waves: bool = False) -> System:
    """Return the system whose core has the instructions of an array.

    Raises ConfigError where the array has no core, UserError where the installed core is not of the version
    that it can be added to.
    """
    if config.host not in CORES:
        raise ConfigError(
            "host: an array alone has no core to run programs on; take host cv-x-if or cv32e40p"
        )
    design, core = generate(config), CORES[config.host]
    kept = tuple(verilator.elements(design.manifest["modules"]))
    if config.host is Host.CV32E40P:
        bits = config.memory_bits
        patch = functools.partial(changed_sources, verilog=design.verilog, memory_bits=bits)
        return System(core=core, patch=patch, memory_bits=bits, kept=kept, waves=waves)
    attachment = Attachment(verilog=design.verilog, top=design.name, id_width=config.id_width)
    return System(core=core, coprocessor=attachment, kept=kept, waves=waves)
