"""The job ``tileloom.simulate``: each family's own, in its room."""

from __future__ import annotations

from typing import Any

from tileloom.arguments import check_keywords
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.families import family_of


def simulate(config: Config, **options: Any) -> Result:
    """Simulate a configuration; options and errors as in ``tileloom_sim.FAMILY.simulate.simulate``."""
    job = family_of(config).room(__package__, "simulate").simulate
    check_keywords(job, options)
    return job(config, **options)
