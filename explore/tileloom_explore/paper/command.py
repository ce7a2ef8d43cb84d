"""The command ``tileloom paper``: the papers' tables, beside ours."""

from __future__ import annotations

import click

from tileloom.cli.main import Group

from .engine import engine_command
from .roofline import roofline_command
from .sasp.command import sasp_command
from .sparseloop import sparseloop_command
from .xdecimate import xdecimate_command


@click.group("paper", cls=Group, short_help="The papers' tables, beside ours.")
def paper_command() -> None:
    """Print the tables of the papers that Tileloom follows, with our figures beside theirs.

    \b
    Examples:
      tileloom paper sasp          area, power, error rates (Fig. 6, 8)
      tileloom paper xdecimate     speed-ups of the kernels (Fig. 8)
      tileloom paper engine        networks on grids of engines (Table II)
      tileloom paper sparseloop    sparse accelerators by the analytical model
      tileloom paper roofline      a machine's rooflines (Fig. 3), utilisation (Table I)
    """


for _command in (sasp_command, xdecimate_command, engine_command, sparseloop_command, roofline_command):
    paper_command.add_command(_command)
