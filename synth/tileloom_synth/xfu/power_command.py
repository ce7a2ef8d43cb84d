"""``tileloom power`` of an xDecimate unit."""

from __future__ import annotations

from typing import Any

from tileloom.xfu.config import XfuConfig

from ..power.run import common_options, run_job
from .power import power

OPTIONS = common_options(seed="Replay the instructions")


def run(config: XfuConfig, **options: Any) -> None:
    """Measure the energy of an xDecimate unit on its netlist, by origin and per instruction.

    CONFIG is a preset's name or a TOML file. The unit is mapped for --clock and simulated gate by gate with
    random instructions, each result held to the golden model; each toggle costs what the liberty file says.
    Of xfu-cv-x-if the unit inside is measured. Without wires and clock tree.

    \b
    Examples:
      tileloom power xfu-unit --liberty nangate45.lib.gz --clock 5ns

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    run_job(power, config, **options)
