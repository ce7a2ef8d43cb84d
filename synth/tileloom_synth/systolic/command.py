"""``tileloom synth`` of a systolic array."""

from __future__ import annotations

from typing import Any

import click

from tileloom.families import design_name
from tileloom.systolic.config import SystolicConfig

from ..check.report import check_options
from ..run import common_options, run_job
from .synthesise import synthesise

OPTIONS = [
    *common_options(),
    *check_options(),
    click.Option(
        ["--flat"],
        is_flag=True,
        help="Dissolve all modules first: 0 to 2 % smaller, about ten times slower; logic is one row then.",
    ),
    click.Option(
        ["--detail"],
        is_flag=True,
        help="Keep the adder's parts too, to see align, add, normalise and round: 2 to 5 % larger.",
    ),
    click.Option(
        ["--module"], metavar="NAME", help="Map this one alone: processing_element, row, array_mesh."
    ),
]


def run(config: SystolicConfig, **options: Any) -> None:
    """Synthesise a systolic array with Yosys and report its area by origin.

    CONFIG is a preset's name or a TOML file. Areas are those of the library's cells, without wires. A gate
    equivalent (GE) is the area of the library's smallest two-input NAND. A memory of partial sums is taken to
    be a macro: it is left out, and its bits are told.

    \b
    Examples:
      tileloom synth stream-8x8-int8
      tileloom synth sasp-16x16-fp32 --liberty nangate45.lib.gz
      tileloom synth stream-8x8-int8 --pdk sky130A --clock 10ns
      tileloom synth stream-8x8-fp32 --module processing_element --flat --clock 3ns
      tileloom synth stream-8x8-int8 --pdk sky130A --clock 10ns -o silicon --hand-off librelane
      tileloom synth stream-8x8-int8 --check
      tileloom synth stream-8x8-int8 --set rows=4 --set columns=4 --fpga ulx3s-85f

    Modules are kept, the multiplier and the adder each as a whole, unless --flat or --detail says otherwise.
    --check simulates the netlist gate by gate against the golden model, an element and the whole array, and
    proves equal to the RTL what SAT can do in a minute.
    With -o: netlist, constraints (SDC), models of the cells, a list of files, the report as JSON.

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    module = options["module"]
    name = f"{design_name(config)}_{module}" if module else design_name(config)
    run_job(synthesise, config, name, memories=config.accumulators is not None, **options)
