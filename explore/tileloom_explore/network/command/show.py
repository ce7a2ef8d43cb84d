"""``tileloom network show``: a network's layers, and what can take them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json, step
from tileloom.cli.options import (
    Strict,
    configured,
)
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import load

from .options import (
    hardware_parameters,
    model_parameters,
    read_model,
    require_extra,
    shared_parameters,
)

SHOWN = ("stream-8x8-fp32", "stream-8x8-int8", "engine-int8", "xfu-cv32e40p")
"""Configurations, one of each kind, that `show` asks without --for."""


@shared_parameters([*model_parameters(), *hardware_parameters(required=False)])
@click.command("show", cls=Strict, short_help="List a network's layers, and what can take them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def show_command(
    model: Path,
    shapes: Sequence[str],
    source: str | None,
    overrides: Sequence[str],
    as_json: bool,
    **options: Any,
) -> None:
    """List the layers of MODEL: shapes, MACs, bytes, sparsity that is there, and what can take them.

    Without --for, one configuration of each kind is asked. "quantised" says that floats have to become
    integers first; a number stands for a reason why not.

    \b
    Examples:
      tileloom network show model.onnx
      tileloom network show model.onnx --shape x=1,3,48,320 --for engine-int8 --set requantise=false
      tileloom network show layer.npz --layout OIHW --shape x=1,16,32,32 --pads 1
    """
    require_extra()
    from ..fit import fits
    from ..prepare import input_shapes
    from ..report import show as report

    if source is None and overrides:
        raise UserError("--set: goes with --for")
    configs: dict[str, Config] = (
        {name: load(name) for name in SHOWN} if source is None else {source: configured(source, overrides)}
    )
    network = read_model(model, shapes, options)
    inputs = input_shapes(network)
    answers = {}
    for name, config in configs.items():
        with step(f"Mapping to {name}"):
            answers[name] = {layer.name: fits(config, layer, inputs[layer.name]) for layer in network.layers}
    figures = report.shown_figures(network.layers, inputs, network.reasons, answers)
    if as_json:
        print_json(figures)
        return
    for sheet in report.shown_sheets(str(model), figures):
        sheet.show()
