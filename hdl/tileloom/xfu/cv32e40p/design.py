"""CV32E40P with the unit as a design: the installed core's sources with our lines in them, and their list."""

from __future__ import annotations

from ...coprocessor.design import in_core
from ...cores import CV32E40P
from ...design import Design
from ..config import XfuConfig
from ..instruction import encoding
from .patch import UNIT, patch_sources
from .stages import PREFIX


def generate_core(config: XfuConfig, name: str | None = None) -> Design:
    """Return the core with the unit that ``config`` describes in its pipeline.

    ``verilog`` is the unit's three modules, ``sources`` the core's files. The top module is
    the core's own, to be built with COREV_PULP = 1. Raises ToolError where the core is not installed,
    UserError where it is of another version than the lines were written for.
    """
    sources = patch_sources(CV32E40P.sources(), config)
    description = {"encoding": encoding(config)}
    parts = {f"{PREFIX}_{stage}": stage for stage in ("decode", "execute", "merge")}
    return in_core(config, CV32E40P, sources, UNIT, name, description, {"stages": 3}, parts)
