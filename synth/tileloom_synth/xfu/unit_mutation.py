"""Mutants of an xDecimate unit, against the golden harts of ``tileloom synth --check``, in generic gates."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from tileloom.xfu.config import XfuConfig

from ..check.outcome import Comparison
from ..flow import Flow
from ..gates.flat import CONSTANTS, Flat, flatten
from ..library.recipes import Options
from ..library.standard_cells import generic
from ..mutation.mutants import PORT, WIDTH, Mutated
from ..mutation.score import Trial
from .unit_check import CYCLES, begin, step

PARTS = {"decode": ("",), "execute": ("execute",), "write back": ("write_back",)}

LANES = 64


def trial(config: XfuConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what holds one of a unit's mutants to golden harts."""
    design, library = mutated.design, generic()
    mapped = Flow(design.verilog, design.name, library).map(Options())
    flat = flatten(mapped, library, design.manifest["modules"])

    @cache
    def completed(number: int) -> int:
        return run(0, number).vectors

    def run(mutant: int, number: int) -> Comparison:
        found = Comparison(design.name, "instruction")
        simulator, cores = begin(config, _with(flat, mutant), np.random.default_rng(seed + number), LANES)
        for cycle in range(CYCLES):
            step(simulator, cores, found, cycle, simulator.settle)
            if found.wrong:
                break
        found.vectors = sum(core.completed for core in cores)
        return found

    def passes(mutant: int, number: int) -> bool:
        found = run(mutant, number)
        # One that stands still gives nothing wrong.
        return not found.wrong and 2 * found.vectors > completed(number)

    return passes


def _with(flat: Flat, mutant: int) -> Flat:
    """Return a netlist whose port ``mutant`` is a number."""
    given = np.arange(flat.nets)
    for place, net in enumerate(flat.ports[PORT]):
        given[net] = CONSTANTS[str(mutant >> place & 1)]
    assert len(flat.ports[PORT]) == WIDTH
    return replace(
        flat,
        ports={port: given[nets] for port, nets in flat.ports.items() if port != PORT},
        inputs=flat.inputs - {PORT},
        instances=[
            replace(each, pins={pin: given[nets] for pin, nets in each.pins.items()})
            for each in flat.instances
        ],
    )
