"""The xDecimate paper's figures: speed-ups of its kernels on the core, accuracies with its pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

import tileloom
from tileloom.cli.console import Sheet
from tileloom.cli.options import json_option, seed_option

from .accuracy import Accuracy
from .default import WithDefault
from .table1 import print_measured, shares

PAPER = "The paper: ResNet18 and a ViT, at 1:16 less than 1.5 points below all weights (abstract)."


def _run(core: str, seed: int | None, as_json: bool) -> None:
    """Run the layers of the xDecimate paper and set their speed-ups beside the paper's.

    On CV32E40P, the core of the paper, or on CV32E40X through CV-X-IF; some minutes. For other layers:
    tileloom simulate xfu-cv32e40p. Needs pip install 'tileloom[xfu]'.

    \b
    Examples:
      tileloom paper xdecimate
      tileloom paper xdecimate --core cv32e40x
    """
    preset = {"cv32e40p": "xfu-cv32e40p", "cv32e40x": "xfu-cv-x-if"}[core]
    tileloom.simulate(preset, seed=seed).show({}, as_json=as_json)


fig8_command = click.Command(
    "fig8",
    callback=_run,
    help=_run.__doc__,
    short_help="Speed-ups of the kernels, beside the paper's.",
    params=[
        click.Option(
            ["--core"], type=click.Choice(["cv32e40p", "cv32e40x"]), default="cv32e40p", show_default=True
        ),
        seed_option("Replay the random data"),
        json_option(),
    ],
)


@click.command("accuracy", short_help="Accuracies with one weight kept in each group.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def accuracy_command(paths: Sequence[Path], as_json: bool) -> None:
    """Print accuracies of networks that were trained on with one weight kept in each group of 4, 8 or 16.

    FILE is what examples/grouped_digits.py wrote, or a folder of such files.

    \b
    Example:
      tileloom paper xdecimate accuracy docs/groups
    """
    print_measured(paths, asdict if as_json else None, sheets, PAPER)


def sheets(accuracy: Accuracy) -> list[Sheet]:
    """Return the table: accuracy by pattern, right after the mask and after training on with it."""
    title = f"{accuracy.network}: {accuracy.images:,} images, {len(accuracy.baselines)} seeds"
    rows = [("dense", "", shares(accuracy.again))]
    rows += [(each.shape, shares(each.pruned), shares(each.accuracies)) for each in accuracy.masked]
    return [Sheet(title, ("weights", "before training on", "after"), rows)]


@click.group("xdecimate", cls=WithDefault, default="fig8", short_help="xDecimate: speed-ups, accuracies.")
def xdecimate_command() -> None:
    """Print the figures of the xDecimate paper, ours beside the paper's.

    \b
    Examples:
      tileloom paper xdecimate                   speed-ups of the kernels (Fig. 8)
      tileloom paper xdecimate accuracy FILE     accuracies at 1:4, 1:8 and 1:16
    """


for _command in (fig8_command, accuracy_command):
    xdecimate_command.add_command(_command)
