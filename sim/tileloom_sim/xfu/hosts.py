"""The RISC-V system with xDecimate: in CV32E40P's pipeline, or a coprocessor of CV32E40X or PicoRV32."""

from __future__ import annotations

import functools

from tileloom.errors import ConfigError
from tileloom.xfu.config import Host, XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.design import generate

from ..riscv.system import Attachment, System

CORES = {Host.CV32E40P: "cv32e40p", Host.CV_X_IF: "cv32e40x", Host.PCPI: "picorv32"}
"""The core that a host's unit is simulated on."""


def plain_system(core: str, *, waves: bool = False) -> System:
    """Return the system with the core as it is installed."""
    return System(core=core, waves=waves)


def xfu_system(config: XfuConfig, *, waves: bool = False) -> System:
    """Return the system whose core executes the instructions of ``config``.

    Raises ConfigError where the unit has no host, or one that no package brings, UserError where the
    installed core is not of the version that the unit can be added to.
    """
    if config.host is Host.UNIT:
        raise ConfigError(
            "host = unit: the unit alone has no core to run kernels on; take host cv-x-if, pcpi or "
            "cv32e40p, as presets xfu-cv-x-if, xfu-picorv32 and xfu-cv32e40p have it"
        )
    if config.host is Host.CV_X_IF and not config.for_cv32e40x:
        raise ConfigError(
            "host = cv-x-if: only CV32E40X 0.6.0, version 0.2 with its guard, is there to run kernels on"
        )
    core = CORES[config.host]
    if config.host is Host.CV32E40P:
        return System(core=core, patch=functools.partial(patch_sources, config=config), waves=waves)
    unit = generate(config)
    attachment = Attachment(verilog=unit.verilog, top=unit.name, id_width=config.id_width or 4)
    return System(core=core, coprocessor=attachment, waves=waves)
