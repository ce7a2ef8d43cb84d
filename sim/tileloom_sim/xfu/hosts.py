"""The RISC-V system with xDecimate in it: in CV32E40P's pipeline, or on CV32E40X's coprocessor interface."""

from __future__ import annotations

import functools

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.design import Form, generate_xfu

from ..riscv.system import Attachment, System


def plain_system(core: str, *, waves: bool = False) -> System:
    """Return the system with the core as it is installed."""
    return System(core=core, waves=waves)


def xfu_system(core: str, config: XfuConfig | None = None, *, waves: bool = False) -> System:
    """Return the system whose core executes the instructions of ``config``, by default all.

    Raises UserError where the installed core is not of the version that the unit can be added to.
    """
    config = config or XfuConfig()
    if core == "cv32e40p":
        return System(core=core, patch=functools.partial(patch_sources, config=config), waves=waves)
    unit = generate_xfu(config, Form.CV_X_IF)
    attachment = Attachment(verilog=unit.verilog, top=unit.name, id_width=config.id_width)
    return System(core=core, coprocessor=attachment, waves=waves)
