"""Mutants of xDecimate: of the unit alone, of its adapter to CV-X-IF, of its lines in CV32E40P."""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.xfu.config import Host, XfuConfig, refuse_others
from tileloom.xfu.design import generate

from ..mutation.mutants import Mutated, mutate
from ..mutation.score import Trial
from . import host_mutation, unit_mutation
from .core_mutation import core_mutated

ADAPTER = {"adapter": ("",), "guard": ("guard",), "unit": ("unit",)}


def mutated(config: XfuConfig, count: int, seed: int, only: Sequence[str]) -> Mutated:
    """Return what ``config`` describes with faults, as ``mutate``."""
    refuse_others(config, "--mutate")
    if config.host is Host.CV32E40P:
        return core_mutated(config, count, seed, only)
    parts = unit_mutation.PARTS if config.host is Host.UNIT else ADAPTER
    return mutate(generate(config), parts, count, seed, only)


def trial(config: XfuConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs the regression on one of its mutants."""
    room = unit_mutation if config.host is Host.UNIT else host_mutation
    return room.trial(config, mutated, seed)
