"""The command ``tileloom synth``: one verb, whose options are each family's own."""

from __future__ import annotations

from tileloom.cli.options import Verb

synth_command = Verb(
    "synth",
    "tileloom_synth",
    short_help="Synthesise a design with Yosys and report its area.",
    help="""Synthesise a design with Yosys and report its area by origin, and with --clock its timing.

    CONFIG is a preset's name or a TOML file. Areas are those of the library's cells, without wires. A gate
    equivalent (GE) is the area of the library's smallest two-input NAND. `tileloom synth CONFIG --help` shows
    what its family takes.

    \b
    Examples:
      tileloom synth stream-8x8-int8
      tileloom synth sasp-16x16-fp32 --liberty nangate45.lib.gz
      tileloom synth stream-8x8-int8 --pdk sky130A --clock 10ns
      tileloom synth engine-int8 --clock 2ns --liberty nangate45.lib.gz -o silicon
      tileloom synth xfu-cv32e40p

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """,
)
