"""The command ``tileloom estimate``: traffic, cycles and energy of a specification's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tileloom.cli.console import note, print_json, step
from tileloom.cli.options import Strict, Whole, complete, configured, input_option, json_option
from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom.families import read_toml

from . import report
from .configuration import FORMS, estimate_layers, estimate_network
from .evaluate import evaluate
from .search import OBJECTIVES, search
from .specification import LayerSpecification, Specification, read_specification

OF_CONFIGS = ("weights", "activations", "sparsity", "network", "energy")
"""Options that go with a configuration."""


def estimate_layer(
    specification: Specification, layer: LayerSpecification, options: dict[str, Any]
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

    In place of SPEC: a preset or configuration of any family, with --layer VECTORSxKxN, or
    HxWxCxNxWINDOW[xSTRIDE[xPAD]], and --weights for the tiles or blocks of zeros that it leaves out; or with
    --network for all layers of a prepared network.

    \b
    Examples:
      tileloom estimate examples/sparseloop/eyeriss_v2.toml
      tileloom estimate examples/sparseloop/eyeriss_v2.toml --layer 7
      tileloom estimate stream-8x8-int8 --layer 256x64x64
      tileloom estimate engine-int8 --layer 28x28x64x64x3 --energy power.json
      tileloom estimate xfu-cv32e40p --layer 1x1024x256 --sparsity nm:1:8
      tileloom estimate engine-int8 --network digits.tileloom.npz
    """
    options = {name: value for name, value in given.items() if value not in (None, ())}
    if not source.endswith(".toml") or "family" in read_toml(source):
        _estimate_config(source, layers, as_json, **options)
        return
    for name in ("overrides", *OF_CONFIGS):
        if name in options:
            raise UserError(
                f"--{'set' if name == 'overrides' else name}: is for a configuration, not for {source}"
            )
    specification = read_specification(source)
    known = {layer.workload.name: layer for layer in specification.layers}
    for name in layers:
        if name not in known:
            raise UserError(f"--layer: {source} has no layer {name}{did_you_mean(name, known, 'layers')}")
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


def _estimate_config(source: str, layers: Sequence[str], as_json: bool, **options: Any) -> None:
    """Estimate layers on a configuration, one for each ``--layer``, or those of a network."""
    config = configured(source, options.pop("overrides", ()))
    chosen = {name: options.pop(name) for name in OF_CONFIGS if name in options}
    if options:
        raise UserError(f"--{next(iter(options))}: is for a specification with [[search]], not for {source}")
    network = chosen.pop("network", None)
    if network is not None:
        energy = chosen.pop("energy", None)
        for name, value in {"layer": layers, **chosen}.items():
            if value:
                raise UserError(f"--{name}: not with --network, which has its own")
        result = estimate_network(config, network, energy)
    elif not layers:
        raise UserError(f"--layer: missing; give {FORMS}, such as 256x64x64, or --network for {source}")
    else:
        result = estimate_layers(config, layers, **chosen)
    if as_json and network is None:
        print_json(result.figures["layers"])
        return
    result.show({}, as_json=as_json)


estimate_command = Strict(
    "estimate",
    callback=_run,
    help=_run.__doc__,
    short_help="Traffic, cycles and energy by an analytical model.",
    params=[
        click.Argument(["source"], metavar="SPEC|CONFIG", shell_complete=complete),
        click.Option(["--set", "overrides"], multiple=True, metavar="FIELD=VALUE", help="Set a field."),
        click.Option(
            ["--layer", "layers"],
            multiple=True,
            metavar="NAME",
            help="Only this layer; of CONFIG its sizes.",
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
        input_option("weights", "FILE", "A CONFIG's: K x N, or N x h x w x C; what is zero is left out."),
        input_option("activations", "FILE", "Of an engine with activation_mask: VECTORS x K."),
        click.Option(["--sparsity"], metavar="nm:1:M", help="Of xDecimate's weights, where none are given."),
        input_option("network", "PREPARED", "All layers of what `tileloom network prepare` wrote."),
        input_option("energy", "POWER.json", "What `tileloom power` wrote of CONFIG: energy by layer."),
        json_option(),
    ],
)
