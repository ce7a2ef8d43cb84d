"""The job ``tileloom.simulate``: each family's own, in its room."""

from __future__ import annotations

from typing import Any

from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.families import family_of


def simulate(config: Config, **options: Any) -> Result:
    """Simulate a configuration; options and errors as in ``tileloom_sim.FAMILY.simulate.simulate``."""
    return family_of(config).room(__package__, "simulate").simulate(config, **options)
