"""A layer in the file of a prepared network: JSON of its structure, and arrays of the archive by name.

`prepared` puts these into the file, beside the host's segments, and reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .affine import Affine
from .arrangement import Arrangement, Axes, Channels, Window
from .layer import NetworkLayer, Quantisation


def put(arrays: dict[str, npt.NDArray[Any]], name: str, array: npt.NDArray[Any]) -> str:
    """Put an array among those of the file; return the name that it has there."""
    arrays[name] = array
    return name


def layer_to_plain(layer: NetworkLayer, prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Return a layer as JSON has it, its arrays under names that begin with ``prefix``."""
    weights = layer.weights
    if layer.quantisation is not None:
        weights = weights.astype(np.int16 if layer.quantisation.weight.high > 127 else np.int8)
    plain: dict[str, Any] = {
        "name": layer.name,
        "operator": layer.operator,
        "input": layer.input,
        "output": layer.output,
        "arrangement": _arrangement_to_plain(layer.arrangement),
        "weights": put(arrays, f"{prefix}.weights", weights),
        "bias": None if layer.bias is None else put(arrays, f"{prefix}.bias", layer.bias),
        "window": vars(layer.window),
        "groups": layer.groups,
        "relu": layer.relu,
        "dtype": layer.dtype,
        "zero": layer.zero,
        "quantisation": None,
    }
    if layer.quantisation is not None:
        each = layer.quantisation
        plain["quantisation"] = {
            "x": None if each.x is None else _affine_to_plain(each.x, f"{prefix}.x", arrays),
            "weight": _affine_to_plain(each.weight, f"{prefix}.weight", arrays),
            "y": None if each.y is None else _affine_to_plain(each.y, f"{prefix}.y", arrays),
            "x_given": each.x_given,
            "y_given": each.y_given,
        }
    return plain


def layer_from_plain(plain: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> NetworkLayer:
    """Return the layer that `layer_to_plain` made this of; KeyError or TypeError where nothing did."""
    quantisation, window = plain["quantisation"], plain["window"]
    weights = arrays[plain["weights"]]
    if quantisation is not None:
        quantisation = Quantisation(
            _affine_from_plain(quantisation["x"], arrays) if quantisation["x"] else None,
            _affine_from_plain(quantisation["weight"], arrays),
            _affine_from_plain(quantisation["y"], arrays) if quantisation["y"] else None,
            quantisation["x_given"],
            quantisation["y_given"],
        )
    return NetworkLayer(
        name=plain["name"],
        operator=plain["operator"],
        input=plain["input"],
        output=plain["output"],
        arrangement=_arrangement_from_plain(plain["arrangement"]),
        weights=weights,
        bias=None if plain["bias"] is None else arrays[plain["bias"]],
        window=Window(
            tuple(window["strides"]), tuple(window["dilations"]), tuple(window["pads"]), window["auto_pad"]
        ),
        groups=plain["groups"],
        relu=plain["relu"],
        dtype=plain["dtype"],
        zero=plain["zero"],
        quantisation=quantisation,
    )


def _affine_to_plain(affine: Affine, prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    return {
        "scale": put(arrays, f"{prefix}.scale", affine.scale),
        "zero_point": put(arrays, f"{prefix}.zero_point", affine.zero_point),
        "low": affine.low,
        "high": affine.high,
    }


def _affine_from_plain(plain: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Affine:
    return Affine(arrays[plain["scale"]], arrays[plain["zero_point"]], plain["low"], plain["high"])


def _arrangement_to_plain(arrangement: Arrangement) -> dict[str, Any]:
    kind = "channels" if isinstance(arrangement, Channels) else "axes"
    return {"kind": kind, **vars(arrangement)}


def _arrangement_from_plain(plain: Mapping[str, Any]) -> Arrangement:
    if plain["kind"] == "channels":
        return Channels(plain["axes"])
    return Axes(plain["x"], plain["w"], plain["y"], tuple(plain["columns"]))
