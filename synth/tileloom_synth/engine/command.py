"""``tileloom synth`` of a block-sparse tile engine."""

from __future__ import annotations

from typing import Any

from tileloom.engine.config import EngineConfig
from tileloom.families import design_name

from ..check.report import check_options
from ..run import common_options, run_job
from .synthesise import synthesise

OPTIONS = [*common_options(), *check_options()]


def run(config: EngineConfig, **options: Any) -> None:
    """Synthesise an engine with Yosys and report its area by part.

    CONFIG is a preset's name or a TOML file. The memories of the A buffer and of the accumulators are taken
    to be macros: they are left out, and their bits are told. Areas are those of the library's cells, without
    wires.

    \b
    Examples:
      tileloom synth engine-int8
      tileloom synth engine-int8 --liberty nangate45.lib.gz --clock 2ns -o silicon
      tileloom synth engine-int8 --check
      tileloom synth engine-int8 --set product_register=true --fpga ulx3s-85f

    --check simulates the netlists of the compute core and of requantisation gate by gate against the golden
    model, and proves all around their arithmetic equal to the RTL.
    With -o: netlist, constraints (SDC), models of cells and memories, a list of files, the report as JSON.

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    run_job(synthesise, config, design_name(config), memories=True, **options)
