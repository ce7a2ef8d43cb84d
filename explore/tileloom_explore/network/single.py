"""A single layer from an ``.npz`` or ``.safetensors`` file: a tensor of weights, whose layout the user says.

Activations lie as in ONNX: N x C x H x W of a convolution, M x K of a product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom_sim.arrays import check_values
from tileloom_sim.layout import CONVOLUTION, MATRIX, oriented

from .arrangement import Arrangement, Axes, Channels, Pads, Window
from .data import read_archive
from .layer import NetworkLayer
from .network import Network
from .room import require_room

SUFFIXES = (".npz", ".safetensors")
INPUT, OUTPUT = "x", "y"
"""Names of the tensors around the layer."""


@dataclass(frozen=True)
class Single:
    """What a file of tensors does not say of its layer.

    Attributes
    ----------
    layout:
        "KN", "NK", "OIHW" or "OHWI".
    tensor:
        Name of the weights; None where there is one tensor of two or four dimensions alone.
    strides, dilations, pads, groups:
        Of a convolution; None as by default.
    """

    layout: str | None = None
    tensor: str | None = None
    strides: tuple[int, int] | None = None
    dilations: tuple[int, int] | None = None
    pads: Pads | None = None
    groups: int | None = None


def read_single(path: Path, single: Single, shapes: Mapping[str, tuple[int, ...]]) -> Network:
    """Return the network of one layer.

    Parameters
    ----------
    path:
        The file. A bias is a tensor called as the weights are, ``bias`` in the place of ``weight``.
    single:
        What it does not say.
    shapes:
        Of the input, by its name, "x".

    Raises
    ------
    UserError
        The file or the tensor cannot be read, the layout is not said or has other dimensions, or shapes do
        not agree.
    """
    tensors = _tensors(path)
    name = single.tensor or _only(path, tensors)
    if name not in tensors:
        raise UserError(f"{path}: {name}: no such tensor{did_you_mean(name, tensors, 'tensors')}")
    weights = _floats(f"{path}: {name}", tensors[name])
    _, ordered = oriented((f"{path}: {name}", weights), single.layout, (*CONVOLUTION, *MATRIX))
    if set(shapes) != {INPUT}:
        wanted = "M,K" if ordered.ndim == 2 else "N,C,H,W"
        raise UserError(f"{path}: say the shape of the layer's input, --shape {INPUT}={wanted}")
    layer = _product(name, ordered) if ordered.ndim == 2 else _convolution(name, ordered, single)
    if ordered.ndim == 2 and any((single.strides, single.dilations, single.pads, single.groups)):
        raise UserError(f"--stride, --dilation, --pads, --group: of a convolution, and {name} is a matrix")
    shape = shapes[INPUT]
    channels = layer.channels
    if len(shape) != ordered.ndim or shape[1] != channels:
        raise UserError(
            f"--shape {INPUT}={','.join(map(str, shape))}: {name} takes {channels} channels, axis 1"
        )
    bias = tensors.get(name.replace("weight", "bias")) if "weight" in name else None
    if bias is not None:
        if bias.shape != (layer.outputs,):
            raise UserError(f"{path}: bias has the shape {bias.shape}, not ({layer.outputs},)")
        bias = _floats(f"{path}: bias", bias)
    made = replace(layer, bias=bias)
    require_room(f"--shape {INPUT}", shape)
    made.output_shape(made.image_shape(shape))  # raises where the window does not fit
    return Network({INPUT: (shape, "float32")}, [OUTPUT], [made])


def _tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    if path.suffix == ".npz":
        return read_archive(path)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except AttributeError as error:  # safetensors asks NumPy for a type by its name
        raise UserError(f"{path}: a tensor of a type that NumPy does not have: {error}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path}: not a .safetensors file: {str(error).splitlines()[0]}") from None


def _only(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the one tensor that can be weights."""
    names = [name for name, array in tensors.items() if array.ndim in (2, 4)]
    if len(names) != 1:
        shown = ", ".join(list(tensors)[:5]) + (", ..." if len(tensors) > 5 else "")
        raise UserError(f"{path}: {len(names)} tensors could be weights; say which, --tensor NAME of {shown}")
    return names[0]


def _floats(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if not (array.dtype.kind in "iuf" or array.dtype.name == "bfloat16") or not array.size:
        raise UserError(f"{name}: {array.dtype} of shape {array.shape}; numbers are needed")
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is refused as that
        values = array.astype(np.float32)
    check_values(name, values)
    return values


def _product(name: str, weights: npt.NDArray[np.float32]) -> NetworkLayer:
    """Return the layer of K x N weights."""
    arrangement = Axes("...k", "kn", "...n", (weights.shape[1],))
    return _layer(name, "MatMul", arrangement, arrangement.weights(weights), Window(), 1)


def _convolution(name: str, weights: npt.NDArray[np.float32], single: Single) -> NetworkLayer:
    """Return the layer of C_out x h x w x C_in / groups weights."""
    groups = single.groups or 1
    if len(weights) % groups:
        raise UserError(f"--group {groups}: {name} has {len(weights)} output channels, no multiple of it")
    window = Window(single.strides or (1, 1), single.dilations or (1, 1), single.pads or (0, 0, 0, 0))
    return _layer(name, "Conv", Channels(2), np.ascontiguousarray(weights), window, groups)


def _layer(
    name: str,
    operator: str,
    arrangement: Arrangement,
    weights: npt.NDArray[np.float32],
    window: Window,
    groups: int,
) -> NetworkLayer:
    return NetworkLayer(
        name=name,
        operator=operator,
        input=INPUT,
        output=OUTPUT,
        arrangement=arrangement,
        weights=weights,
        window=window,
        groups=groups,
    )
