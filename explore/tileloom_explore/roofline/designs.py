"""Configurations of any family as machines, and layers on them as points: estimated, exact or measured.

Each family has its module beside this one, which knows its ports, memories and closed forms.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import tileloom
from tileloom.config import Config
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import design_name, family_of
from tileloom_golden.engine.program import Layer

from .energy import DRAM_BYTE, Energies
from .layers import Mask, random_mask
from .point import Counts, Point
from .roof import Level, Machine

DRAM = "dram"
"""Name of the level outside, where it is asked for."""

MEASURED = "measured"
"""Source of points that ran in RTL."""


@dataclass(frozen=True)
class Setting:
    """What is the same for all designs.

    Attributes
    ----------
    frequency:
        Clock cycles per second.
    energies:
        Those that were given.
    dram:
        Bytes per cycle of a memory outside that each tensor crosses once, weights without what is left out;
        None for none.
    grid:
        Engines down and across.
    """

    frequency: float = 1e9
    energies: Energies = field(default_factory=Energies)
    dram: float | None = None
    grid: tuple[int, int] = (1, 1)

    @property
    def cores(self) -> int:
        """Of the grid."""
        return self.grid[0] * self.grid[1]


def machine_of(config: Config, setting: Setting) -> Machine:
    """Return the machine that a configuration is. Raises UserError for a design without, and for its grid."""
    family = _family(config)
    if setting.cores > 1 and not isinstance(config, EngineConfig):
        raise UserError(f"--grid: is for engines; {design_name(config)} is none")
    levels = tuple(
        replace(level, bandwidth=level.bandwidth * setting.cores)
        for level in family.levels(config, setting.energies)
    )
    outermost = family.edges(config, setting.energies)
    if setting.dram is not None:
        energy = setting.energies.of_level(DRAM, DRAM_BYTE)
        levels, outermost = (*levels, Level(DRAM, setting.dram, energy)), 1
    grid = f" {setting.grid[0]}x{setting.grid[1]}" if setting.cores > 1 else ""
    return Machine(
        design_name(config) + grid,
        family.operations(config) * setting.cores,
        setting.energies.of_operation(family.operation_energy(config)),
        levels,
        setting.frequency,
        outermost,
    )


def mask_shape(config: Config, layer: Layer) -> tuple[int, int]:
    """Return into how many tiles, blocks or weights a layer's weights are cut, along K and N."""
    shape: tuple[int, int] = _family(config).mask_shape(config, layer)
    return shape


def sparse_mask(config: Config, layer: Layer, sparsity: float, rng: np.random.Generator) -> Mask:
    """Return which tiles, blocks or weights of a layer there are with a share left out at random.

    Raises UserError where the design cannot leave out that share.
    """
    family = _family(config)
    if hasattr(family, "random_mask"):
        mask: Mask = family.random_mask(config, layer, sparsity, rng)
        return mask
    return random_mask(mask_shape(config, layer), sparsity, rng)


def point_of(config: Config, setting: Setting, name: str, layer: Layer, kept: Mask) -> Point:
    """Return a layer as a point, from closed forms. Raises UserError where the design cannot take it."""
    family = _family(config)
    more = (setting.grid,) if isinstance(config, EngineConfig) else ()
    try:
        counts: Counts = family.counts(config, layer, kept, *more)
    except ValueError as error:
        raise UserError(f"{name} on {design_name(config)}: {error}") from None
    source = family.SOURCE
    if setting.dram is not None:
        tensors = _tensors(family, config, layer, counts)
        counts = replace(counts, moved={**counts.moved, DRAM: tensors})
        # The closed forms let every stream flow: a slower memory makes all cores wait.
        wait = math.ceil(tensors / setting.dram) - counts.cycles
        if wait > 0:
            source = "estimated"
            together = counts.core_cycles + wait * setting.cores
            counts = replace(counts, cycles=counts.cycles + wait, core_cycles=together)
    missing = 1 - float(kept.mean())
    return Point(machine_of(config, setting), name, missing, source, counts, setting.cores)


def measured(
    config: Config,
    point: Point,
    layer: Layer,
    kept: Mask,
    seed: int,
) -> Point:
    """Return a point with the cycles of the RTL: random operands run, and every word is compared.

    Parameters
    ----------
    config:
        The design.
    point:
        The same layer from closed forms, on one core.
    layer, kept:
        What it is of.
    seed:
        Of the operands.

    Raises
    ------
    CheckError, ToolError, UserError
        As ``tileloom.simulate``.
    """
    family, rng = _family(config), np.random.default_rng(seed)
    if hasattr(family, "measure"):
        cycles = family.measure(config, layer, kept, rng)
    else:
        cycles = tileloom.simulate(config, **family.operands(config, layer, kept, rng)).figures["cycles"]
    counts = replace(point.counts, cycles=cycles, core_cycles=cycles)
    return replace(point, source=MEASURED, counts=counts)


def _family(config: Config) -> Any:
    return importlib.import_module(f"{__package__}.{family_of(config).name}")


def _tensors(family: Any, config: Config, layer: Layer, counts: Counts) -> int:
    """Return the bytes of a layer's tensors, each once: weights that are kept, activations, results."""
    weight, activation, result = family.element_bits(config)
    pixels = layer.output[0] * layer.output[1]
    weights = counts.macs // pixels
    image = layer.height * layer.width * layer.channels
    return -(-(weights * weight + image * activation + pixels * layer.outputs * result) // 8)
