"""``tileloom network run``: a prepared network, by the golden models and in RTL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import step
from tileloom.cli.options import (
    Strict,
    config_parameters,
    configured,
    force_option,
    input_option,
    json_option,
)
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim

from .options import require_extra, shared_parameters


@shared_parameters(
    [
        click.Argument(["prepared"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        *config_parameters(),
        input_option("data", "X.npz", "Inputs by name; the first axis counts inferences."),
        input_option("energy", "POWER.json", "What `tileloom power` wrote of CONFIG: energy by layer."),
    ]
)
@click.command("run", cls=Strict, short_help="Run a prepared network: cycles, bytes, accuracy.")
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
    energy: Path | None,
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
      tileloom network run model.tileloom.npz engine-int8 --estimate --energy power.json
      tileloom network run model.tileloom.npz engine-int8 --data X.npz --labels --chart layers.svg
      tileloom network run model.tileloom.npz engine-int8 --data X.npz --rtl "conv*"

    Exit status: 0 done, every word equal; 1 a difference or a missing tool; 2 wrong input.
    """
    require_extra()
    from .. import chart as drawing
    from ..accuracy import read_characters
    from ..energy import read_energy
    from ..prepared import read_prepared
    from ..report import run as report
    from ..score import score
    from ..sparsity import select

    if chart is not None:
        require_extra("matplotlib")
    _check_run(data, labels, metric, rtl, estimate, output)
    if force and output is None and chart is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o or --chart")
    outputs = claim(
        {"-o": output, "--chart": chart}, inputs=[prepared, data, energy, characters], force=force
    )
    if characters is not None and not labels:
        raise UserError("--characters: goes with --labels")
    classes = None if characters is None else read_characters(characters)
    config = configured(source, overrides)
    power = None if energy is None else read_energy(energy, config)
    with step(f"Reading {prepared}"):
        network = read_prepared(prepared)
    names = [layer.name for layer in network.network.layers]
    in_rtl = [] if rtl is None else names if rtl == "all" else select(names, rtl.split(","))
    done, answers = _run(network, config, data, in_rtl, wanted=labels or metric is not None)
    accuracy = None if answers is None else score(done.outputs, done.original, answers, metric, classes)
    figures = report.run_figures(design_name(config), done, accuracy, power)
    contents: dict[Path, Any] = {}
    if chart is not None:
        contents[chart] = drawing.draw(figures)
    if output is not None:
        contents[output] = report.archive(done.outputs)
    outputs.write(contents)
    remarks = [*report.remarks(network, config, done), *(power.remarks if power else ())]
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
    from ..data import read_data
    from ..run import NetworkRun, map_network, run_network

    if data is None:
        layers = map_network(config, network)
        return NetworkRun(layers, {}, {}, 0, 0.0), None
    batches, answers = read_data(data, network.network, labels=wanted)
    return run_network(network, config, batches, in_rtl=in_rtl), answers
