"""The commands ``tileloom network``: a trained network from its ONNX file to layers on hardware."""

from __future__ import annotations

import click

from tileloom.cli.main import Group

from .prepare import prepare_command
from .run import run_command
from .show import show_command


@click.group("network", cls=Group, short_help="Trained networks on hardware: cost and accuracy.")
def network_command() -> None:
    """Bring a trained network to hardware: see its layers, prepare them for a configuration, run it.

    Products and convolutions become layers; everything else runs on the host as it is. Needs the extra
    `network`.

    \b
    Examples:
      tileloom network show model.onnx
      tileloom network prepare model.onnx --for engine-int8 --calibrate X.npz -o model.tileloom.npz
      tileloom network run model.tileloom.npz engine-int8 --data X.npz --labels
    """


for _command in (show_command, prepare_command, run_command):
    network_command.add_command(_command)
