"""The design of a functional unit: by its plain ports, or a core's files with the unit among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring

from ..config import Config
from ..cores import RiscvCore
from ..design import Design, Parts, build, checked_name, manifest
from ..families import design_name
from .ports import described

FILE_LIST = "cv32e40p.f"
"""The list of files of a core, in the order in which a tool must read them."""

Origin = Callable[[tuple[str, ...]], str]
"""Says what part of a unit a module is, from the instance names that lead to it."""


def by_plain_ports(
    config: Config,
    top: wiring.Component,
    name: str | None,
    description: Mapping[str, Any],
    timing: Mapping[str, int],
    origin: Origin,
) -> Design:
    """Return the design of a component without streams; ``name`` and errors as in ``design.build``.

    The manifest has ``description``, clock and reset, and every port with its direction and width; a port
    with fields has the bits of each.
    """
    ports = list(top.signature.flatten(top))
    whole = {
        **description,
        "clock": "clk",
        "reset": {"name": "rst", "active_low": False},
        "ports": described(ports),
    }
    signals = [Value.cast(value) for _, _, value in ports]
    return build(config, Parts(top, signals, whole, timing, origin), name)


def in_core(
    config: Config,
    core: RiscvCore,
    sources: Mapping[str, str],
    unit: str,
    name: str | None,
    description: Mapping[str, Any],
    timing: Mapping[str, int],
    parts: Mapping[str, str],
) -> Design:
    """Return the design of a core with a unit in it, whose top is the core's own.

    Parameters
    ----------
    sources:
        The core's files as they are changed, and the unit's, ``unit``, which gets the design's name.
    name:
        As in ``design.build``.
    description, timing:
        For the manifest, which also has the core's top, its parameters, and the files to read.
    parts:
        What part of the unit each of its modules is.
    """
    name = design_name(config) if name is None else checked_name(name)
    headers = dict(core.headers)
    whole = {
        **description,
        "top": core.top,
        "parameters": dict(core.parameters),
        "files": [f"{name}.v" if file == unit else file for file in sources if file not in headers],
    }
    files = {file: text for file, text in sources.items() if file != unit}
    return Design(name, sources[unit], manifest(config, name, whole, timing, parts), files, FILE_LIST)
