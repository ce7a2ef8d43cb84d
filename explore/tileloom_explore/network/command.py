"""The commands ``tileloom network``: a trained network from its ONNX file to layers on hardware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from tileloom.cli.console import print_json, step
from tileloom.cli.main import Group
from tileloom.cli.options import (
    Number,
    Numbers,
    Strict,
    complete,
    config_parameters,
    configured,
    force_option,
    input_option,
    json_option,
)
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import design_name, load
from tileloom.files import claim
from tileloom_sim.layout import CONVOLUTION, MATRIX

from .affine import Per
from .calibrate import PERCENTILE, Method

if TYPE_CHECKING:
    from .network import Network

SUFFIX = ".tileloom.npz"
SHOWN = ("stream-8x8-fp32", "stream-8x8-int8", "engine-int8", "xfu-cv32e40p")
"""Configurations, one of each kind, that `show` asks without --for."""


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


def _model_parameters() -> list[click.Parameter]:
    """Return what names a model: the file, and what it leaves open."""
    return [
        click.Argument(["model"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.Option(
            ["--shape", "shapes"],
            multiple=True,
            metavar="INPUT=1,3,32,320",
            help="Shape of an input that the file leaves open; may be repeated.",
        ),
        click.Option(
            ["--layout"],
            type=click.Choice([*MATRIX, *CONVOLUTION]),
            help="Of a single layer's weights, from .npz or .safetensors.",
        ),
        click.Option(["--tensor"], metavar="NAME", help="The weights, of several tensors in such a file."),
        click.Option(["--stride"], type=Numbers(count=2), metavar="DOWN,ACROSS", help="Of that convolution."),
        click.Option(["--dilation"], type=Numbers(count=2), metavar="DOWN,ACROSS", help="Likewise."),
        click.Option(["--pads"], type=Numbers(count=4, least=0), metavar="T,B,L,R", help="Likewise."),
        click.Option(["--group"], type=click.IntRange(1), help="Likewise."),
    ]


SINGLE = ("layout", "tensor", "stride", "dilation", "pads", "group")
"""Options on a file of tensors."""


def _read(model: Path, shapes: Sequence[str], options: dict[str, Any], host: Sequence[str] = ()) -> Network:
    """Return the network of a file. Takes the options of single layers out of ``options``."""
    from .network import read_network
    from .single import SUFFIXES, Single, read_single

    given = {name: options.pop(name) for name in SINGLE}
    known = parse_shapes(shapes)
    with step(f"Reading {model}"):
        if model.suffix not in SUFFIXES:
            for name, value in given.items():
                if value is not None:
                    raise UserError(f"--{name}: is for .npz and .safetensors; an ONNX file says it itself")
            return read_network(model, known, host=host)
        if host:
            raise UserError("--host: a single layer would be all of it")
        single = Single(
            layout=given["layout"],
            tensor=given["tensor"],
            strides=given["stride"],
            dilations=given["dilation"],
            pads=given["pads"],
            groups=given["group"],
        )
        return read_single(model, single, known)


def _for_parameters(*, required: bool) -> list[click.Parameter]:
    overrides = config_parameters()[1]
    return [
        click.Option(
            ["--for", "source"],
            metavar="CONFIG",
            required=required,
            shell_complete=complete,
            help="A preset's name or a TOML file: the hardware.",
        ),
        overrides,
    ]


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of ``INPUT=1,3,32,320``. Raises UserError that names the text that is none."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.split(",")
        if not name or not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
            raise UserError(f"--shape {text}: give INPUT=1,3,32,320, sizes of at least 1")
        if name in shapes:
            raise UserError(f"--shape {name}: given twice")
        shapes[name] = tuple(map(int, parts))
    return shapes


def _with(parameters: Sequence[click.Parameter]) -> Callable[[click.Command], click.Command]:
    """Put parameters that commands share in front of a command's own."""

    def put(command: click.Command) -> click.Command:
        command.params = [*parameters, *command.params]
        return command

    return put


@_with([*_model_parameters(), *_for_parameters(required=False)])
@network_command.command("show", cls=Strict, short_help="List a network's layers, and what can take them.")
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
    from . import report
    from .fit import fits
    from .prepare import input_shapes

    if source is None and overrides:
        raise UserError("--set: goes with --for")
    configs: dict[str, Config] = (
        {name: load(name) for name in SHOWN} if source is None else {source: configured(source, overrides)}
    )
    network = _read(model, shapes, options)
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


@_with([*_model_parameters(), *_for_parameters(required=True)])
@network_command.command("prepare", cls=Strict, short_help="Sparsify and quantise a network for hardware.")
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
    from . import report
    from .data import read_data
    from .prepare import prepare
    from .prepared import to_bytes
    from .sparsity import parse_sparsity

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
    network = _read(model, shapes, numbers, host)
    choices = _choices(numbers, calibrated=calibrate is not None)
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


@_with(
    [
        click.Argument(["prepared"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        *config_parameters(),
        input_option("data", "X.npz", "Inputs by name; the first axis counts inferences."),
    ]
)
@network_command.command("run", cls=Strict, short_help="Run a prepared network: cycles, bytes, accuracy.")
@click.option("--labels", is_flag=True, help="Compare answers with the array `labels` of the data: top-1.")
@click.option(
    "--metric", metavar="MODULE:NAME", help="Compare them by your function instead, of outputs and labels."
)
@click.option(
    "--characters",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.txt",
    help="Lines are a CTC's classes, the first its blank, and --labels texts: error rates.",
)
@click.option(
    "--rtl", metavar="LAYERS|all", help="Run these layers in RTL too: names or patterns with commas."
)
@click.option("--estimate", is_flag=True, help="Costs alone: no data is run.")
@click.option(
    "--chart", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw cycles and error by layer."
)
def run_command(
    prepared: Path,
    source: str,
    overrides: Sequence[str],
    data: Path | None,
    labels: bool,
    metric: str | None,
    characters: Path | None,
    rtl: str | None,
    estimate: bool,
    chart: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Run a PREPARED network on CONFIG by the golden models, bit for bit, beside the network as it was read.

    Cycles, utilisation and bytes are of one inference, by layer and in all. SQNR is the signal of the
    original layer's results over their difference. With --rtl layers run in simulation at the first
    inference, and every word is compared.

    \b
    Examples:
      tileloom network run model.tileloom.npz engine-int8 --estimate
      tileloom network run model.tileloom.npz engine-int8 --data X.npz --labels --chart layers.svg
      tileloom network run model.tileloom.npz engine-int8 --data X.npz --rtl "conv*"

    Exit status: 0 done, every word equal; 1 a difference or a missing tool; 2 wrong input.
    """
    from . import chart as drawing
    from . import report
    from .accuracy import read_characters
    from .prepared import read_prepared
    from .score import score
    from .sparsity import select

    _check_run(data, labels, metric, rtl, estimate, output)
    if force and output is None and chart is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o or --chart")
    outputs = claim({"-o": output, "--chart": chart}, inputs=[prepared, data, characters], force=force)
    if characters is not None and not labels:
        raise UserError("--characters: goes with --labels")
    classes = None if characters is None else read_characters(characters)
    config = configured(source, overrides)
    with step(f"Reading {prepared}"):
        network = read_prepared(prepared)
    names = [layer.name for layer in network.network.layers]
    in_rtl = [] if rtl is None else names if rtl == "all" else select(names, rtl.split(","))
    done, answers = _run(network, config, data, in_rtl, wanted=labels or metric is not None)
    accuracy = None if answers is None else score(done.outputs, done.original, answers, metric, classes)
    figures = report.run_figures(design_name(config), done, accuracy)
    contents: dict[Path, Any] = {}
    if chart is not None:
        contents[chart] = drawing.draw(figures)
    if output is not None:
        contents[output] = report.archive(done.outputs)
    outputs.write(contents)
    remarks = report.remarks(network, config, done)
    Result(figures, report.run_sheets(design_name(config), figures), remarks).show(
        {"outputs": output, "chart": chart}, as_json=as_json
    )


run_command.params += [
    click.Option(
        ["-o", "--output"],
        type=click.Path(path_type=Path),
        metavar="Y.npz",
        help="Where to write the network's outputs.",
    ),
    force_option(),
    json_option(),
]


def _check_run(
    data: Path | None, labels: bool, metric: str | None, rtl: str | None, estimate: bool, output: Path | None
) -> None:
    """Raise UserError for an option that has nothing to do."""
    if estimate and data is not None:
        raise UserError("--estimate: computes nothing, so that --data changes nothing; give one of them")
    if not estimate and data is None:
        raise UserError("give --data X.npz to run, or --estimate for costs alone")
    without = {"--labels": labels, "--metric": metric, "--rtl": rtl, "-o": output}
    for option, given in without.items():
        if estimate and given:
            raise UserError(f"{option}: goes with --data")
    if labels and metric:
        raise UserError("--labels: gives top-1, and --metric takes its place; give one of them")


def _run(
    network: Any, config: Config, data: Path | None, in_rtl: Sequence[str], *, wanted: bool
) -> tuple[Any, Any]:
    """Return what came of a run, or of an estimate where there is no data, and the labels."""
    from .data import read_data
    from .run import NetworkRun, map_network, run_network

    if data is None:
        layers = map_network(config, network.network, network.shapes)
        return NetworkRun(layers, {}, {}, 0, 0.0), None
    batches, answers = read_data(data, network.network, labels=wanted)
    return run_network(network, config, batches, in_rtl=in_rtl), answers


def _choices(numbers: dict[str, Any], *, calibrated: bool) -> Any:
    """Return how floats become integers. Raises UserError for an option that has nothing to do."""
    from .prepare import Choices

    of_activations = ("method", "percentile", "activations", "symmetric", "weight_bits", "asymmetric_weights")
    for name in of_activations:
        if numbers[name] and not calibrated:
            raise UserError(f"--{name.replace('_', '-')}: goes with --calibrate")
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
