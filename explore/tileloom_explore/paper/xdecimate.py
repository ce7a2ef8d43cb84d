"""The xDecimate paper's kernel suite: speed-ups on the core beside the paper's."""

from __future__ import annotations

import click

import tileloom
from tileloom.cli.options import json_option, seed_option


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


xdecimate_command = click.Command(
    "xdecimate",
    callback=_run,
    help=_run.__doc__,
    short_help="xDecimate: speed-ups of its kernels.",
    params=[
        click.Option(
            ["--core"], type=click.Choice(["cv32e40p", "cv32e40x"]), default="cv32e40p", show_default=True
        ),
        seed_option("Replay the random data"),
        json_option(),
    ],
)
