"""CV32E40P with the unit as a design: the installed core's sources with our lines in them, and their list."""

from __future__ import annotations

from ...cores import CV32E40P
from ...design import Design, checked_name, manifest
from ...families import design_name
from ..config import XfuConfig
from ..instruction import encoding
from .patch import UNIT, patch_sources
from .stages import PREFIX

FILE_LIST = "cv32e40p.f"
"""The list of files, in the order in which a tool must read them."""


def generate_core(config: XfuConfig, name: str | None = None) -> Design:
    """Return the core with the unit that ``config`` describes in its pipeline.

    ``verilog`` is the unit's three modules, ``sources`` the core's files. The top module is
    the core's own, to be built with COREV_PULP = 1. Raises ToolError where the core is not installed,
    UserError where it is of another version than the lines were written for.
    """
    name = design_name(config) if name is None else checked_name(name)
    sources = patch_sources(CV32E40P.sources(), config)
    verilog = sources[UNIT]
    files = [f"{name}.v" if file == UNIT else file for file in sources]
    description = {
        "encoding": encoding(config),
        "top": CV32E40P.top,
        "parameters": {"COREV_PULP": 1},
        "files": files,
    }
    modules = {f"{PREFIX}_{stage}": stage for stage in ("decode", "execute", "merge")}
    core = {file: text for file, text in sources.items() if file != UNIT}
    return Design(
        name,
        verilog,
        manifest(config, name, description, {"stages": 3}, modules),
        core,
        FILE_LIST,
    )
