"""Mutants of xDecimate: of the unit alone, of its adapter to CV-X-IF, of its lines in CV32E40P."""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.xfu.config import Host, XfuConfig, refuse_others
from tileloom.xfu.design import generate

from ..mutation.component import as_component
from ..mutation.mutants import Mutated, mutate
from ..mutation.proofs import Held
from ..mutation.score import Trial
from ..verify.solver import Query
from . import host_mutation, unit_mutation
from .adapter import AdapterState, adapter_queries
from .core_mutation import core_mutated, core_with
from .instructions import UnitState, queries
from .pipeline import stages_queries
from .twin import same_queries

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


def held(config: XfuConfig, mutated: Mutated) -> list[Held]:
    """Return the proofs that faults are held to."""
    name = mutated.design.name

    def pipeline(number: int) -> Sequence[Query]:
        return stages_queries(config, core_with(mutated, number))

    def twin(number: int) -> Sequence[Query]:
        # Beside the core without the fault, which --formal proves to be as installed: slang's own names of
        # registers, by which that proof pairs them, are lost on the way through Verilog.
        return same_queries(core_with(mutated, number), core_with(mutated, 0))

    def unit(number: int) -> Sequence[Query]:
        return queries(UnitState(config, as_component(mutated, number, name, UnitState.component(config))))

    def adapter(number: int) -> Sequence[Query]:
        component = AdapterState.component(config)
        return adapter_queries(AdapterState(config, as_component(mutated, number, name, component)))

    if config.host is Host.CV32E40P:
        return [
            Held("pipeline: as installed without xDecimate", name, twin),
            Held("pipeline: rd, counter, loads, no endless wait", name, pipeline),
        ]
    if config.host is Host.UNIT:
        return [Held("instructions: rd, counter, loads", name, unit)]
    return [Held("CV-X-IF: rd, counter, loads, errors", name, adapter)]
