"""The jobs as a Python API, the one that the commands use: load, generate, simulate, synthesise, power.

``simulate``, ``synthesise`` and ``power`` are done by packages above this one, which offer them as entry
points of the group ``tileloom.jobs``; so nothing here imports them.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from .config import Config
from .design import Design, checked_name
from .errors import ToolError, UserError
from .families import families, family_of, load

GROUP = "tileloom.jobs"


def generate(config: Config | str | Path, name: str | None = None) -> Design:
    """Return the design of a configuration, or of a preset's name or a TOML file.

    Parameters
    ----------
    config:
        As ``load`` returns it, or what ``load`` takes.
    name:
        Of the top module and of the files; by default the preset's, or what tells the configuration from
        others.

    Returns
    -------
    Design
        ``verilog``, ``manifest``, and ``files(folder)``, the text of each file by its path. The same
        configuration, name and tools give the same bytes.

    Raises
    ------
    ConfigError, UserError
        For a configuration that cannot be built, or a name that is no Verilog identifier.
    """
    config = _config(config)
    if name is not None:
        checked_name(name)
    return family_of(config).room(__package__, "design").generate(config, name)


def simulate(config: Config | str | Path, **options: Any) -> Any:
    """Simulate a configuration against the golden model; ``tileloom_sim.FAMILY.simulate`` has the options.

    Returns the family's result, whose ``figures`` are what ``tileloom simulate --json`` prints. Raises
    CheckError where hardware and golden model differ, ToolError where a tool is missing or fails.
    """
    return _job("simulate")(_config(config), **options)


def synthesise(config: Config | str | Path, **options: Any) -> Any:
    """Map a configuration to a cell library; ``tileloom_synth.FAMILY.synthesise`` has the options.

    Returns the family's result, whose ``figures`` are what ``tileloom synth --json`` prints. Raises ToolError
    where Yosys or OpenSTA fails, UserError for a library that cannot serve.
    """
    return _job("synthesise")(_config(config), **options)


def power(config: Config | str | Path, **options: Any) -> Any:
    """Measure the energy of a configuration's netlist; ``tileloom_synth.FAMILY.power`` has the options.

    Returns the family's result, whose ``figures`` are what ``tileloom power --json`` prints. Raises ToolError
    where Yosys or OpenSTA fails, UserError for a library without tables of power.
    """
    return _job("power")(_config(config), **options)


def _config(config: Config | str | Path) -> Config:
    if isinstance(config, str | Path):
        return load(config)
    if not any(type(config) is family.config for family in families().values()):
        raise UserError(f"config: must be a preset's name, a TOML file or what load returns, not {config!r}")
    return config


def _job(name: str) -> Any:
    found = next(iter(importlib.metadata.entry_points(group=GROUP, name=name)), None)
    if found is None:
        raise ToolError(f"{name}: no installed package does it; pip install tileloom")
    return found.load()
