"""``tileloom estimate CONFIG``: what layers, or a prepared network's, take on a design of ours.

A configuration becomes architecture, features and mapping by itself (`systolic`, `engine`, `xfu`); cycles,
transfers and actions are the closed forms that are held to the RTL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.systolic.config import SystolicConfig
from tileloom.xfu.config import XfuConfig
from tileloom_golden.engine.layer import Layer as Geometry

from ..cost import Cost, Run
from ..engine.cost import engine_cost
from ..network.energy import Energy, read_energy
from ..network.mapping import kept_units
from ..network.recognise import recognise
from ..network.report.run import cost_figures, counts_sheet, run_sheets
from ..network.weights import as_matrix
from ..roofline.layers import LARGEST, Convolution
from ..systolic.cost import array_cost
from ..xfu.cost import kernel_cost, kernel_layer
from ..xfu.traffic import unmodelled
from .engine import engine_figures
from .systolic import array_figures
from .xfu import kernel_figures

FORMS = "VECTORSxKxN or HxWxCxNxWINDOW[xSTRIDE[xPAD]]"
Array = npt.NDArray[Any]


def estimate_layers(
    config: Config,
    texts: Sequence[str],
    *,
    weights: Path | None = None,
    activations: Path | None = None,
    sparsity: str | None = None,
    energy: Path | None = None,
) -> Result:
    """Return what layers take, each as ``FORMS`` say, with the figures of the model for each.

    Parameters
    ----------
    config:
        Of any family with layers to run.
    texts:
        The layers.
    weights:
        A .npy file, K x N of a product, N x h x w x C of a convolution: tiles or blocks of zeros are left
        out, or 1:M is recognised.
    activations:
        A .npy file, VECTORS x K, for products on an engine with ``activation_mask``.
    sparsity:
        nm:1:M, of xDecimate's weights where there are none.
    energy:
        What ``tileloom power`` wrote of the configuration.

    Raises
    ------
    UserError
        Names the option and what would be right.
    """
    if isinstance(config, XfuConfig) and (reason := unmodelled(config)):
        raise UserError(f"{design_name(config)}: {reason.format('layers')}")
    power = None if energy is None else read_energy(energy, config)
    group = _group(config, sparsity, weights)
    layers, costs = [], []
    for text in texts:
        layer = geometry(text)
        w = None if weights is None else _weights(weights, layer)
        x = None if activations is None else _activations(config, activations, layer)
        try:
            cost, found = _estimate(config, layer, w, x, group)
        except ValueError as error:
            raise UserError(f"--layer: {text}: {error}") from None
        if not cost.cycles:
            raise UserError(f"--weights: {weights}: all weights are zero; nothing would be computed")
        figures = {**found, "layer": text, "name": text, **cost.figures()}
        if power is not None:
            figures["energy_j"] = power.of(cost)
        layers.append(figures)
        costs.append(cost)
    return _result(config, layers, costs, power)


def estimate_network(config: Config, path: Path, energy: Path | None = None) -> Result:
    """Return what the layers of a prepared network take, and all of them.

    Raises UserError for a file that is none, a layer that the configuration cannot take, and as
    ``read_energy``.
    """
    from ..network.command.options import require_extra

    require_extra()
    from ..network.prepared import read_prepared
    from ..network.report.run import remarks, run_figures
    from ..network.run import NetworkRun, map_network

    power = None if energy is None else read_energy(energy, config)
    with step(f"Reading {path}"):
        prepared = read_prepared(path)
    run = NetworkRun(map_network(config, prepared), {}, {}, 0, 0.0)
    figures = run_figures(design_name(config), run, None, power)
    sheets = [*run_sheets(design_name(config), figures), counts_sheet(figures)]
    return Result(figures, sheets, [*remarks(prepared, config, run), *(power.remarks if power else ())])


def _result(
    config: Config, layers: Sequence[dict[str, Any]], costs: Sequence[Cost], power: Energy | None
) -> Result:
    figures = cost_figures(design_name(config), layers, costs, power)
    sheets = [*run_sheets(design_name(config), figures), counts_sheet(figures)]
    return Result(figures, sheets, power.remarks if power else ())


def geometry(text: str) -> Geometry:
    """Return the layer that a text such as 256x64x64 says. Raises UserError."""
    parts = text.split("x")
    if not all(re.fullmatch("[0-9]{1,9}", part) for part in parts) or len(parts) not in (3, 5, 6, 7):
        raise UserError(f"--layer: {text!r} is not {FORMS} in whole numbers, such as 256x64x64")
    numbers = list(map(int, parts))
    largest = 2**31 if len(parts) == 3 else LARGEST
    if not all(0 < number <= largest for number in numbers[:6]) or (len(parts) == 7 and numbers[6] > LARGEST):
        raise UserError(f"--layer: {text!r}: sizes must be from 1 to {largest}, PAD from 0")
    try:
        return Geometry.product(*numbers) if len(parts) == 3 else Convolution().layer(numbers)[1]
    except ValueError as error:
        raise UserError(f"--layer: {text!r}: {error}") from None


def _estimate(
    config: Config, layer: Geometry, weights: Array | None, activations: Array | None, group: int | None
) -> tuple[Cost, dict[str, Any]]:
    if isinstance(config, XfuConfig):
        if weights is not None:
            found = recognise(weights).m or 0
            group = max((m for m in config.group_sizes if m <= found), default=None)
        kernel = kernel_layer(layer, group)
        return kernel_cost(config, kernel), kernel_figures(config, kernel)
    if isinstance(config, SystolicConfig):
        matrix = None if weights is None else as_matrix(weights)
        inner = layer.channels * layer.kernel[0] * layer.kernel[1]
        run = Run(layer, _kept(matrix, (inner, layer.outputs), (config.rows, config.columns)), 1)
        cost = array_cost(config, [run])
        return cost, array_figures(config, run) if cost.cycles else {}
    assert isinstance(config, EngineConfig)
    occupied = None if weights is None else _occupied(weights)
    run = Run(layer, _kept(occupied, (layer.channels, layer.outputs), (config.k, config.n)), 1)
    return engine_cost(config, [run], activations), engine_figures(config, run, activations)


def _occupied(weights: Array) -> Array:
    """Return K x N, or C x C_out, where a weight of any tap is not zero."""
    return weights != 0 if weights.ndim == 2 else (weights != 0).any(axis=(1, 2)).T


def _kept(matrix: Array | None, shape: tuple[int, int], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    if matrix is None:
        return np.ones((-(-shape[0] // size[0]), -(-shape[1] // size[1])), np.bool_)
    return kept_units(matrix, size)


def _group(config: Config, sparsity: str | None, weights: Path | None) -> int | None:
    if sparsity is None:
        return None
    if not isinstance(config, XfuConfig):
        raise UserError("--sparsity: is for xDecimate; of an array or an engine give --weights")
    if weights is not None:
        raise UserError("--sparsity: --weights have their own; give one of them")
    found = re.fullmatch("nm:1:(4|8|16)", sparsity)
    if not found or int(found[1]) not in config.group_sizes:
        able = " or ".join(f"nm:1:{m}" for m in config.group_sizes)
        raise UserError(f"--sparsity: {sparsity!r} is not what the unit is built for; give {able}")
    return int(found[1])


def _weights(path: Path, layer: Geometry) -> Array:
    product = layer == Geometry.product(layer.width, layer.channels, layer.outputs)
    shape = (layer.channels, layer.outputs) if product else (layer.outputs, *layer.kernel, layer.channels)
    return _array("--weights", path, shape)


def _activations(config: Config, path: Path, layer: Geometry) -> Array:
    if not isinstance(config, EngineConfig) or not config.activation_mask:
        raise UserError("--activations: only an engine with activation_mask skips zeros of them")
    if layer != Geometry.product(layer.width, layer.channels, layer.outputs):
        raise UserError("--activations: zeros of them are skipped in products alone; give VECTORSxKxN")
    return _array("--activations", path, (layer.width, layer.channels))[None]


def _array(option: str, path: Path, shape: tuple[int, ...]) -> Array:
    try:
        data = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{option}: {path}: {getattr(error, 'strerror', None) or 'no .npy file'}") from None
    if np.shape(data) != shape:
        raise UserError(f"{option}: {path}: has the shape {np.shape(data)}, the layer wants {shape}")
    return np.asarray(data)
