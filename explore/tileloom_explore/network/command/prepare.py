"""``tileloom network prepare``: a network sparsified and quantised for hardware."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from tileloom.cli.options import (
    Number,
    Strict,
    configured,
    force_option,
    json_option,
)
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim

from ..affine import Per
from ..calibrate import PERCENTILE, Method
from .options import (
    hardware_parameters,
    model_parameters,
    read_model,
    require_extra,
    shared_parameters,
)

SUFFIX = ".tileloom.npz"


@shared_parameters([*model_parameters(), *hardware_parameters(required=True)])
@click.command("prepare", cls=Strict, short_help="Sparsify and quantise a network for hardware.")
@click.option(
    "--sparsity", metavar="WHAT", help="Remove tiles:25%, nm:1:8, blocks:50% or blocks:50%:l2 of the weights."
)
@click.option("--layers", "include", multiple=True, metavar="PATTERN", help="Sparsify these layers alone.")
@click.option("--except", "exclude", multiple=True, metavar="PATTERN", help="Sparsify all but these layers.")
@click.option("--per-layer", is_flag=True, help="Remove the share from each layer, not by one ranking.")
@click.option(
    "--host", multiple=True, metavar="PATTERN", help="Leave these layers to the host; may be repeated."
)
@click.option(
    "--calibrate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="X.npz",
    help="Inputs by name, from which the ranges of activations are taken.",
)
@click.option("--method", type=click.Choice(get_args(Method)), help="Of the ranges.  [default: min-max]")
@click.option(
    "--percentile", type=Number(50, 100, above=True), help=f"Of that method.  [default: {PERCENTILE}]"
)
@click.option(
    "--activations", type=click.Choice(["int8", "uint8"]), help="Integers of activations.  [default: int8]"
)
@click.option("--symmetric", is_flag=True, help="Activations with a zero point in the middle.")
@click.option("--weight-bits", type=click.IntRange(4, 8), help="Of INT8 weights, 4 to 8.  [default: 8]")
@click.option("--per", type=click.Choice(get_args(Per)), help="Scales of weights.  [default: channel]")
@click.option("--asymmetric-weights", is_flag=True, help="Weights with zero points of their own.")
def prepare_command(
    model: Path,
    shapes: Sequence[str],
    source: str,
    overrides: Sequence[str],
    sparsity: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    per_layer: bool,
    host: Sequence[str],
    calibrate: Path | None,
    output: Path,
    force: bool,
    as_json: bool,
    **numbers: Any,
) -> None:
    """Prepare MODEL for a configuration: sparsified, quantised where it has to be, every layer shown to fit.

    Layout, zero points, scales and masks are in the file that is written. Tiles go for a systolic array,
    blocks for an engine, N:M groups for xDecimate.

    \b
    Examples:
      tileloom network prepare model.onnx --for stream-8x8-int8 --sparsity tiles:25% -o model.tileloom.npz
      tileloom network prepare model.onnx --for engine-int8 --calibrate X.npz -o model.tileloom.npz
    """
    require_extra()
    from ..data import read_data
    from ..prepare import prepare
    from ..prepared import to_bytes
    from ..report import prepare as report
    from ..sparsity import parse_sparsity

    if not output.name.endswith(SUFFIX):
        raise UserError(f"-o: {output}: the name must end in {SUFFIX}")
    outputs = claim({"-o": output}, inputs=[model, calibrate], force=force)
    config = configured(source, overrides)
    for option, given in {"--layers": include, "--except": exclude, "--per-layer": per_layer}.items():
        if given and sparsity is None:
            raise UserError(f"{option}: goes with --sparsity")
    what = None if sparsity is None else parse_sparsity(sparsity)
    if per_layer and what is not None and what.kind == "nm":
        raise UserError("--per-layer: N:M takes the same from every layer; leave it out")
    network = read_model(model, shapes, numbers, host)
    choices = _choices(numbers, config, calibrated=calibrate is not None)
    batches = [] if calibrate is None else read_data(calibrate, network)[0]
    done = prepare(
        network,
        config,
        sparsity=what,
        include=include,
        exclude=exclude,
        per_layer=per_layer,
        calibration=batches,
        choices=choices,
    )
    outputs.write({output: to_bytes(done.prepared)})
    figures, sheets = report.prepared_report(design_name(config), done)
    Result(figures, sheets).show({"network": output}, as_json=as_json)


prepare_command.params += [
    click.Option(
        ["-o", "--output"],
        type=click.Path(path_type=Path),
        metavar=f"NAME{SUFFIX}",
        required=True,
        help="Where to write the prepared network.",
    ),
    force_option(),
    json_option(),
]


def _choices(numbers: dict[str, Any], config: Config, *, calibrated: bool) -> Any:
    """Return how floats become integers. Raises UserError for an option that has nothing to do."""
    from ..integers import Choices, integer_weights

    of_activations = ("method", "percentile", "activations", "symmetric", "weight_bits", "asymmetric_weights")
    for name in of_activations:
        if numbers[name] and not calibrated:
            raise UserError(f"--{name.replace('_', '-')}: goes with --calibrate")
    if numbers["per"] and not calibrated and integer_weights(config) is None:
        raise UserError("--per: scales are of integer weights, and this hardware keeps them as floats")
    if numbers["percentile"] and numbers["method"] != "percentile":
        raise UserError("--percentile: goes with --method percentile")
    return Choices(
        method=numbers["method"] or "min-max",
        percentile=numbers["percentile"] or PERCENTILE,
        signed=numbers["activations"] != "uint8",
        symmetric=numbers["symmetric"],
        bits=numbers["weight_bits"] or 8,
        per=numbers["per"] or "channel",
        symmetric_weights=not numbers["asymmetric_weights"],
    )
