"""The command ``tileloom power``: one verb, whose options are each family's own."""

from __future__ import annotations

from tileloom.cli.options import Verb

power_command = Verb(
    "power",
    "tileloom_synth",
    "power_command",
    short_help="Measure energy and leakage of a design's netlist.",
    help="""Measure the energy of a design on its netlist, by origin, and its leakage.

    CONFIG is a preset's name or a TOML file. The design is mapped for --clock and simulated gate by gate;
    each toggle costs what the liberty file says. Without wires and clock tree. `tileloom power CONFIG --help`
    shows what its family takes.

    \b
    Examples:
      tileloom power stream-8x8-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power xfu-unit --liberty nangate45.lib.gz --clock 5ns

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """,
)
