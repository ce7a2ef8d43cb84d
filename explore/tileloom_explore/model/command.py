"""The command ``tileloom estimate``: traffic, cycles and energy of a specification's layers."""

from __future__ import annotations

from typing import Any

import click

from tileloom.cli.console import note, print_json, step
from tileloom.cli.options import Strict, Whole, json_option
from tileloom.config import did_you_mean
from tileloom.errors import UserError

from . import report
from .evaluate import evaluate
from .search import OBJECTIVES, search
from .specification import Layer, Specification, read_specification

BEST = 10
"""Mappings of a search that are shown."""


def estimate_layer(
    specification: Specification, layer: Layer, options: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the figures of a layer's mapping, or of the best ones that a search finds."""
    try:
        if layer.mapping is not None:
            return [report.figures(evaluate(layer.workload, layer.architecture, layer.mapping))]
        found = search(layer, specification.constraints, **options)
    except UserError as error:
        raise UserError(f"{specification.name}: {layer.workload.name}: {error}") from None
    return [
        {**report.figures(each.estimate), "mapping": str(each.mapping), "objective": each.value}
        for each in found.best
    ]


def _run(source: str, layers: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Estimate what the layers of a specification cost on its design: traffic, cycles, energy.

    SPEC is a TOML file with workload, architecture, features, formats and mapping (docs/model.md); for
    examples see examples/sparseloop. Where it has [[search]] in place of [[mapping]], mappings are searched
    for, and the best ten are shown.

    \b
    Examples:
      tileloom estimate examples/sparseloop/eyeriss_v2.toml
      tileloom estimate examples/sparseloop/eyeriss_v2.toml --layer 7
    """
    if not source.endswith(".toml"):
        raise UserError(f"{source}: give a specification, a file that ends in .toml")
    specification = read_specification(source)
    known = {layer.workload.name: layer for layer in specification.layers}
    for name in layers:
        if name not in known:
            raise UserError(f"--layer: {source} has no layer {name}{did_you_mean(name, known, 'layers')}")
    options = {name: value for name, value in given.items() if value is not None}
    if options and not specification.constraints:
        raise UserError(f"--{next(iter(options))}: {source} gives its mapping; there is nothing to search")
    chosen = [known[name] for name in layers] or list(specification.layers)
    with step(f"Estimating {specification.architecture.name}") as shown:
        results = []
        for number, layer in enumerate(chosen):
            shown.show(layer.workload.name, completed=number, total=len(chosen))
            results.append(estimate_layer(specification, layer, options))
    if as_json:
        print_json([best[0] if layer.mapping else best for best, layer in zip(results, chosen, strict=True)])
        return
    report.overview(specification.architecture.name, [best[0] for best in results]).show()
    if len(chosen) == 1:
        report.detail(results[0][0]).show()
    for best in results if specification.constraints else ():
        for sheet in report.ranking(best):
            sheet.show()
    if specification.constraints and not options.get("objective"):
        note("Mappings are ranked by energy times cycles; --objective energy or cycles ranks by one of them.")


estimate_command = Strict(
    "estimate",
    callback=_run,
    help=_run.__doc__,
    short_help="Traffic, cycles and energy by an analytical model.",
    params=[
        click.Argument(["source"], metavar="SPEC"),
        click.Option(
            ["--layer", "layers"], multiple=True, metavar="NAME", help="Only this layer; may be repeated."
        ),
        click.Option(
            ["--objective"],
            type=click.Choice(list(OBJECTIVES)),
            help="What a search minimises.  [default: edp]",
        ),
        click.Option(
            ["--count"], type=Whole(1, 10**9), help="Mappings that a search tries.  [default: 10000]"
        ),
        click.Option(["--seed"], type=Whole(0, 2**63 - 1), help="Of a search's sample.  [default: 0]"),
        json_option(),
    ],
)
