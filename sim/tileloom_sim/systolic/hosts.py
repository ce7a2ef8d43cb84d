"""The RISC-V system with an array in it: on CV32E40X's CV-X-IF, or at CV32E40P's auxiliary port."""

from __future__ import annotations

import functools

from tileloom.errors import ConfigError
from tileloom.systolic.config import Host, SystolicConfig
from tileloom.systolic.coprocessor.cv32e40p.patch import patch_sources
from tileloom.systolic.design import generate

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
    core = CORES[config.host]
    if config.host is Host.CV32E40P:
        return System(core=core, patch=functools.partial(patch_sources, config=config), waves=waves)
    unit = generate(config)
    attachment = Attachment(verilog=unit.verilog, top=unit.name, id_width=config.id_width)
    return System(core=core, coprocessor=attachment, waves=waves)
