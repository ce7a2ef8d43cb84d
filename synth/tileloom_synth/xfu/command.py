"""``tileloom synth`` of an xDecimate unit, and of the core that it sits in."""

from __future__ import annotations

from typing import Any

import click

from tileloom.families import design_name
from tileloom.xfu.config import Host, XfuConfig

from ..check.report import check_options
from ..run import common_options, run_job
from .synthesise import synthesise

OPTIONS: list[click.Parameter] = [
    *common_options(),
    *check_options(),
    click.Option(
        ["--flat"],
        is_flag=True,
        help="Dissolve all modules first: a little smaller, and a core takes much longer.",
    ),
]


def run(config: XfuConfig, **options: Any) -> None:
    """Synthesise an xDecimate unit with Yosys, and what it adds to its core.

    CONFIG is a preset's name or a TOML file. xfu-cv32e40p: the core with and without the unit, and the share
    that it adds. xfu-cv-x-if: the coprocessor alone, and what it adds to CV32E40X. xfu-unit: the unit alone.
    The cores come with pip install 'tileloom[xfu]'.

    \b
    Examples:
      tileloom synth xfu-unit
      tileloom synth xfu-cv32e40p --liberty nangate45.lib.gz
      tileloom synth xfu-cv-x-if --set group_sizes=8
      tileloom synth xfu-unit --check
      tileloom synth xfu-unit --fpga icebreaker

    --check simulates the unit's netlist gate by gate against golden harts, and proves it equal to the RTL.

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    netlist = config.host is not Host.CV32E40P
    run_job(synthesise, config, design_name(config), netlist=netlist, **options)
