"""What `network show` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tileloom.cli.console import Sheet

from ..layer import NetworkLayer
from ..recognise import recognise


def shown_figures(
    layers: Sequence[NetworkLayer],
    shapes: Mapping[str, tuple[int, ...]],
    reasons: Mapping[str, str],
    answers: Mapping[str, Mapping[str, tuple[bool, str]]],
) -> dict[str, Any]:
    """Return what `show` says; ``answers`` of each configuration are what `fits` returns, by layer."""
    rows = []
    for layer in layers:
        image, found = layer.image_shape(shapes[layer.name]), recognise(layer.weight_values)
        rows.append(
            {
                "name": layer.name,
                "operator": layer.operator,
                "input": list(shapes[layer.name]),
                "weights": list(layer.weights.shape),
                "groups": layer.groups,
                "macs": layer.macs(image),
                "weight_bytes": layer.weights.size * (4 if layer.quantisation is None else 1),
                "zeros": round(found.zeros / found.weights, 4),
                "one_of": found.m,
                "integers": layer.quantisation is not None,
                "takes": {name: list(answer[layer.name]) for name, answer in answers.items()},
            }
        )
    return {"layers": rows, "on_host": dict(reasons)}


def shown_sheets(title: str, figures: Mapping[str, Any]) -> list[Sheet]:
    """Return the tables of `show`."""
    layers = figures["layers"]
    configs = list(layers[0]["takes"]) if layers else []
    headings = ["layer", "operator", "input", "weights, OHWI", "MACs", "bytes", "zeros", *configs]
    rows = []
    reasons = dict.fromkeys(how for each in layers for able, how in each["takes"].values() if not able)
    numbers = {why: f"({number})" for number, why in enumerate(reasons, 1)}
    for each in layers:
        sparse = f"{each['zeros']:.0%}" + (f", 1:{each['one_of']}" if each["one_of"] else "")
        rows.append(
            [
                each["name"],
                each["operator"],
                "x".join(map(str, each["input"])),
                "x".join(map(str, each["weights"])) + (f" / {each['groups']}" if each["groups"] > 1 else ""),
                f"{each['macs']:,}",
                f"{each['weight_bytes']:,}",
                sparse,
                *(numbers.get(how, how) for _, how in each["takes"].values()),
            ]
        )
    sheets = [Sheet(title, headings, rows)]
    if reasons:
        sheets.append(Sheet("Why not", ("", ""), [(numbers[why], why) for why in reasons]))
    if figures["on_host"]:
        sheets.append(host_sheet(figures["on_host"]))
    return sheets


def host_sheet(reasons: Mapping[str, str]) -> Sheet:
    """Return the table of nodes that no layer is made of, with the reasons."""
    return Sheet("Left to the host", ("node", "why"), list(reasons.items()))
