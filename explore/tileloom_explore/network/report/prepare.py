"""What `network prepare` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tileloom.cli.console import Sheet

from ..affine import Affine
from ..layer import Quantisation
from ..prepare import Preparation
from ..sparsify import Sparsified
from .show import host_sheet


def prepared_report(name: str, done: Preparation) -> tuple[dict[str, Any], list[Sheet]]:
    """Return figures and tables of what `prepare` did."""
    layers = []
    for layer in done.prepared.network.layers:
        layers.append(
            {
                "name": layer.name,
                **_types(layer.quantisation),
                **(_removed(done.removed[layer.name]) if layer.name in done.removed else {}),
            }
        )
    shown = [(each["name"], each["activations"], each["weights"], each["results"]) for each in layers]
    sheets = [Sheet(f"Prepared for {name}", ("layer", "activations", "weights", "results"), shown)]
    sheets += [removed_sheet(done.removed)] if done.removed else []
    reasons = done.prepared.network.reasons
    sheets += [host_sheet(reasons)] if reasons else []
    return {"config": name, "layers": layers, "on_host": dict(reasons)}, sheets


def _types(quantisation: Quantisation | None) -> dict[str, str]:
    """Return what a layer's activations, weights and results are; of sums, what they are before any scale."""
    if quantisation is None:
        return dict.fromkeys(("activations", "weights", "results"), "fp32")
    x, y = quantisation.x, quantisation.y
    sums = "fp32" if x is None else "int32"
    return {
        "activations": "fp32" if x is None else _integers(x),
        "weights": _integers(quantisation.weight),
        "results": sums if y is None else _integers(y),
    }


def _integers(affine: Affine) -> str:
    """Return the type of integers and, of one for all, their scale and zero point."""
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
