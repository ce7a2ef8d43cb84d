"""The command ``tileloom paper sasp``: a command for each figure; without one it is figure 6."""

from __future__ import annotations

import click

from ..default import WithDefault
from .core import core_command
from .fig6 import fig6_command
from .fig7 import fig7_command
from .fig8 import fig8_command
from .fig9 import fig9_command
from .fig10 import fig10_command
from .layers import layers_command
from .table3 import table3_command


@click.group("sasp", cls=WithDefault, default="fig6", short_help="SASP: area, power, error rates, run time.")
def sasp_command() -> None:
    """Print the figures of the SASP paper, ours beside the paper's; docs/sasp.md explains the differences.

    \b
    Examples:
      tileloom paper sasp --liberty nangate45.lib.gz       figure 6, area of the eight arrays
      tileloom paper sasp fig8 docs/sasp                   error rates over tiles pruned
      tileloom paper sasp fig10 docs/sasp/text.json        speed-up against size for fixed error rates
      tileloom paper sasp table3 --kept 0.75               run time of the encoder, speed-ups
    """


for _command in (
    core_command,
    fig6_command,
    fig7_command,
    fig8_command,
    fig9_command,
    fig10_command,
    layers_command,
    table3_command,
):
    sasp_command.add_command(_command)
