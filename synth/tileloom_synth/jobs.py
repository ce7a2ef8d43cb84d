"""The jobs ``tileloom.synthesise`` and ``tileloom.power``: each family's own, in its room."""

from __future__ import annotations

from typing import Any

from tileloom.arguments import check_keywords
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.families import family_of


def synthesise(config: Config, **options: Any) -> Result:
    """Map a configuration to cells; options and errors as in ``tileloom_synth.FAMILY.synthesise``."""
    job = family_of(config).room(__package__, "synthesise").synthesise
    check_keywords(job, options)
    return job(config, **options)


def power(config: Config, **options: Any) -> Result:
    """Measure a configuration's energy; options and errors as in ``tileloom_synth.FAMILY.power``."""
    job = family_of(config).room(__package__, "power").power
    check_keywords(job, options)
    return job(config, **options)
