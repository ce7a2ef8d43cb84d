"""The command ``tileloom estimate``: traffic, cycles and energy of a specification's layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from tileloom.cli.console import note, print_json, step
from tileloom.cli.options import Strict, Whole, complete, configured, input_option, json_option
from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom.families import read_toml
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.systolic.tiles import split_tiles

from . import report
from .evaluate import evaluate
from .search import OBJECTIVES, search
from .specification import LayerSpecification, Specification, read_specification
from .systolic import estimate_array, port_sheet

BEST = 10
"""Mappings of a search that are shown."""


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

    In place of SPEC: a systolic array's preset or configuration, with --layer VECTORSxKxN, and --weights for
    the tiles of zeros that it leaves out.

    \b
    Examples:
      tileloom estimate examples/sparseloop/eyeriss_v2.toml
      tileloom estimate examples/sparseloop/eyeriss_v2.toml --layer 7
      tileloom estimate stream-8x8-int8 --layer 256x64x64
    """
    options = {name: value for name, value in given.items() if value not in (None, ())}
    if not source.endswith(".toml") or "family" in read_toml(source):
        _estimate_config(source, layers, as_json, **options)
        return
    for name in ("weights", "overrides"):
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
    """Estimate products on a systolic array, one for each ``--layer``."""
    weights, overrides = options.pop("weights", None), options.pop("overrides", ())
    config = configured(source, overrides)
    if not isinstance(config, SystolicConfig):
        raise UserError(f"{source}: only systolic arrays are modelled yet; give one, or a specification")
    if options:
        raise UserError(f"--{next(iter(options))}: is for a specification with [[search]], not for {source}")
    if not layers:
        raise UserError(f"--layer: missing; give VECTORSxKxN, such as 256x64x64, for {source}")
    kept = None
    results = []
    for text in layers:
        vectors, k, n = _sizes(text)
        if weights is not None:
            kept = _kept(weights, config, k, n)
        results.append(estimate_array(config, vectors, k, n, kept))
    if as_json:
        print_json(results)
        return
    report.overview(config.label, results).show()
    for found in results:
        port_sheet(found).show()
    note("Cycles are a closed form that is held to the RTL; there are no energies of this array.")


def _sizes(text: str) -> tuple[int, int, int]:
    parts = text.split("x")
    if len(parts) != 3 or not all(
        part.isascii() and part.isdecimal() and 0 < int(part) < 2**31 for part in parts
    ):
        raise UserError(
            f"--layer: {text!r} is not VECTORSxKxN, three whole numbers from 1, such as 256x64x64"
        )
    vectors, k, n = map(int, parts)
    return vectors, k, n


def _kept(path: Path, config: SystolicConfig, k: int, n: int) -> npt.NDArray[np.bool_]:
    try:
        data = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"--weights: {path}: {getattr(error, 'strerror', None) or 'no .npy file'}") from None
    if np.shape(data) != (k, n):
        raise UserError(f"--weights: {path}: has the shape {np.shape(data)}, the layer wants {(k, n)}")
    kept = split_tiles(data != 0, config.rows, config.columns).any(axis=(2, 3))
    if not kept.any():
        raise UserError(f"--weights: {path}: all weights are zero; nothing would be computed")
    return np.asarray(kept)


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
        input_option("weights", "FILE", "Weights of a CONFIG's layer, K x N; tiles of zeros are left out."),
        json_option(),
    ],
)
