"""What `network prepare` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tileloom.cli.console import Sheet

from ..affine import Affine
from ..prepare import Preparation
from ..sparsify import Sparsified
from .show import host_sheet


def prepared_report(name: str, done: Preparation) -> tuple[dict[str, Any], list[Sheet]]:
    """Return figures and tables of what `prepare` did."""
    layers = []
    for layer in done.prepared.network.layers:
        quantisation = layer.quantisation
        layers.append(
            {
                "name": layer.name,
                "activations": _integers(None if quantisation is None else quantisation.x),
                "weights": "fp32" if quantisation is None else _integers(quantisation.weight),
                "results": _integers(None if quantisation is None else quantisation.y),
                **(_removed(done.removed[layer.name]) if layer.name in done.removed else {}),
            }
        )
    shown = [(each["name"], each["activations"], each["weights"], each["results"]) for each in layers]
    sheets = [Sheet(f"Prepared for {name}", ("layer", "activations", "weights", "results"), shown)]
    sheets += [removed_sheet(done.removed)] if done.removed else []
    reasons = done.prepared.network.reasons
    sheets += [host_sheet(reasons)] if reasons else []
    return {"config": name, "layers": layers, "on_host": dict(reasons)}, sheets


def _integers(affine: Affine | None) -> str:
    """Return the type of integers and, of one for all, their scale and zero point."""
    if affine is None:
        return "fp32"
    bits = (affine.high - affine.low).bit_length()
    kind = f"{'u' * (affine.low >= 0)}int{bits}"
    if affine.scale.ndim:
        return kind
    return f"{kind}, {float(affine.scale):.4g} from {int(affine.zero_point)}"


def _removed(done: Sparsified) -> dict[str, Any]:
    return {"units": done.units, "removed": done.removed, "norm_removed": round(done.lost, 4)}


def removed_sheet(removed: Mapping[str, Sparsified]) -> Sheet:
    """Return the table of what sparsifying took from each layer."""
    rows = [
        (name, f"{done.units:,}", f"{done.removed:,}", f"{done.lost:.1%}") for name, done in removed.items()
    ]
    return Sheet("Removed", ("layer", "units", "removed", "of the L1 norm"), rows)
