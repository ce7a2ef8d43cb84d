"""The jobs ``tileloom.synthesise`` and ``tileloom.power``: each family's own, in its room."""

from __future__ import annotations

from typing import Any

from tileloom.arguments import check_keywords
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.families import family_of

from .fpga.synthesise import synthesise as synthesise_for_fpga


def synthesise(config: Config, **options: Any) -> Result:
    """Map a configuration to cells; options and errors as in ``tileloom_synth.FAMILY.synthesise``.

    With an option ``fpga`` to a board's FPGA, as in ``tileloom_synth.fpga.synthesise``.
    """
    on_fpga = "fpga" in options
    job = synthesise_for_fpga if on_fpga else family_of(config).room(__package__, "synthesise").synthesise
    check_keywords(job, options)
    return job(config, **options)


def power(config: Config, **options: Any) -> Result:
    """Measure a configuration's energy; options and errors as in ``tileloom_synth.FAMILY.power``."""
    job = family_of(config).room(__package__, "power").power
    check_keywords(job, options)
    return job(config, **options)
