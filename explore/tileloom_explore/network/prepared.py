"""The file that `prepare` writes and `run` reads, ``.tileloom.npz``: a network with everything that it needs.

It is a NumPy archive: ``network.json`` has structure, layouts, windows and quantisation, and names arrays of
the archive for weights, biases, scales, zero points and masks; ``segment.N`` is the ONNX model of a host
segment. Nothing in it is a pickle. The layers as the file of the model had them are in it as well, so that
accuracy can be told beside the float model's, and a digest of everything, so that nothing is edited unseen.

What the hardware is given for the Nth step, a layer, is there to be read with ``np.load``, under
``layer.N.hardware.`` and the names of `mapping.Mapping.tables`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from tileloom.config import Config, to_plain
from tileloom.errors import UserError
from tileloom.families import families, family_of

from .data import read_archive
from .host import Segment
from .layer import NetworkLayer
from .layer_file import layer_from_plain, layer_to_plain, put
from .network import Network

VERSION = 2
"""Of the file's format; another is refused."""

DIGEST = "digest"
"""Name of the array that holds SHA-256 of all others."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A network prepared for a configuration.

    Attributes
    ----------
    config:
        That it was prepared for.
    network:
        With the layers as hardware gets them.
    original:
        The same with the layers as they were read.
    shapes:
        Of each layer's input, by the layer's name.
    kept:
        Which tiles or blocks of a layer that was sparsified are left.
    tables:
        What hardware of that configuration is given for each layer, as `mapping.Mapping.tables` names it.
    """

    config: Config
    network: Network
    original: Network
    shapes: Mapping[str, tuple[int, ...]]
    kept: Mapping[str, npt.NDArray[np.bool_]]
    tables: Mapping[str, Mapping[str, npt.NDArray[Any]]]


def to_bytes(prepared: Prepared) -> bytes:
    """Return the content of the file."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    original = {layer.name: layer for layer in prepared.original.layers}
    steps: list[dict[str, Any]] = []
    for number, step in enumerate(prepared.network.steps):
        if isinstance(step, Segment):
            name = f"segment.{number}"
            arrays[name] = np.frombuffer(step.model.SerializeToString(), np.uint8)
            steps.append({"segment": name, "inputs": step.inputs, "outputs": step.outputs})
            continue
        plain = layer_to_plain(step, f"layer.{number}", arrays)
        before = original[step.name]
        if before is not step:
            plain["original"] = layer_to_plain(before, f"original.{number}", arrays)
        if step.name in prepared.kept:
            plain["kept"] = put(arrays, f"layer.{number}.kept", prepared.kept[step.name])
        plain["hardware"] = {
            what: put(arrays, f"layer.{number}.hardware.{what}", array)
            for what, array in prepared.tables[step.name].items()
        }
        plain["shape"] = list(prepared.shapes[step.name])
        steps.append({"layer": plain})
    whole = {
        "version": VERSION,
        "config": {"family": family_of(prepared.config).name, **to_plain(prepared.config)},
        "inputs": {name: [list(shape), dtype] for name, (shape, dtype) in prepared.network.inputs.items()},
        "outputs": list(prepared.network.outputs),
        "reasons": dict(prepared.network.reasons),
        "steps": steps,
    }
    arrays["network.json"] = np.frombuffer(json.dumps(whole).encode(), np.uint8)
    arrays[DIGEST] = _digest(arrays)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read_prepared(path: Path) -> Prepared:
    """Read a file that `prepare` wrote. Raises UserError that names it where it is none of this version."""
    what = "a prepared network; write one with tileloom network prepare"
    arrays = read_archive(path, what)
    if "network.json" not in arrays:
        raise UserError(f"{path}: not {what}")
    try:
        whole = json.loads(arrays["network.json"].tobytes())
        if whole["version"] != VERSION:
            raise UserError(f"{path}: version {whole['version']} of the format; prepare the model again")
        if not np.array_equal(arrays.pop(DIGEST), _digest(arrays)):
            raise UserError(f"{path}: edited since it was written; prepare the model again")
        return _from_plain(whole, arrays, path)
    except (KeyError, TypeError, ValueError, AttributeError, json.JSONDecodeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{path}: damaged ({type(error).__name__}: {error}); prepare the model again"
        ) from None


def _from_plain(whole: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> Prepared:
    fields = dict(whole["config"])
    config = families()[fields.pop("family")].load(fields, str(path))
    steps: list[NetworkLayer | Segment] = []
    original, shapes, kept, tables = {}, {}, {}, {}
    for step in whole["steps"]:
        if "segment" in step:
            model = onnx.load_model_from_string(arrays[step["segment"]].tobytes())
            steps.append(Segment(model, step["inputs"], step["outputs"]))
            continue
        plain = step["layer"]
        layer = layer_from_plain(plain, arrays)
        steps.append(layer)
        if "original" in plain:
            original[layer.name] = layer_from_plain(plain["original"], arrays)
        if "kept" in plain:
            kept[layer.name] = arrays[plain["kept"]]
        shapes[layer.name] = tuple(plain["shape"])
        tables[layer.name] = {what: arrays[name] for what, name in plain["hardware"].items()}
    inputs = {name: (tuple(shape), dtype) for name, (shape, dtype) in whole["inputs"].items()}
    network = Network(inputs, whole["outputs"], steps, whole["reasons"])
    return Prepared(config, network, network.with_layers(original), shapes, kept, tables)


def _digest(arrays: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """Return SHA-256 of arrays with their names, types and shapes."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).data)
    return np.frombuffer(found.digest(), np.uint8)
