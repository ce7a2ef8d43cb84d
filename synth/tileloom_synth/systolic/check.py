"""``tileloom synth --check`` of a systolic array: what is sampled and what is proved."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import numpy as np

from tileloom.cli.console import Step
from tileloom.design import Design
from tileloom.errors import UserError
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.systolic.interface import Interface

from ..check.outcome import Comparison
from ..check.report import VECTORS, Checked, modules_around, run_check
from ..flow import Mapped
from ..gates import bits
from ..gates.flat import flatten
from ..library.standard_cells import Library
from .array_check import check_array
from .element_check import check_element

ELEMENT = "processing_element"
PROVABLE_PRODUCT, PROVABLE_SUM = 16, 16
"""Widest product of significands and accumulator of which SAT does multiplier and adder within seconds."""


def refuse_module(module: str | None) -> None:
    """Raise UserError where a module cannot be checked by itself."""
    if module not in (None, ELEMENT):
        raise UserError(f"--check: is for the whole array, or --module {ELEMENT}; not for {module}")


def check(
    config: SystolicConfig, design: Design, mapped: Mapped, library: Library, module: str | None, seed: int
) -> Checked:
    """Return what a check of the mapped array found. Raises CheckError where something differs."""
    config.require_no_host("netlist check")
    rng = np.random.default_rng(seed)
    parts = design.manifest["modules"]
    element = f"{design.name}_{ELEMENT}"
    samples: list[tuple[str, Callable[[Step], Comparison]]] = []
    if element in mapped.modules:
        flat = flatten(mapped, library, parts, top=element)
        samples.append((ELEMENT, lambda shown: check_element(config, flat, rng, VECTORS)))
    if module is None:

        def whole(shown: Step) -> Comparison:
            shown.show("whole array")
            every = flatten(mapped, library, parts)
            interface = Interface.of_manifest(design.manifest)
            return check_array(
                interface,
                every,
                rng,
                lanes=bits.LANES,
                show=lambda vectors: shown.show(f"whole array, {vectors:,} vectors"),
            )

        samples.append(("whole array", whole))
    return run_check(mapped, library, design, samples, _sampled(config, mapped, library), seed)


def _sampled(config: SystolicConfig, mapped: Mapped, library: Library) -> list[str]:
    """Return the modules whose arithmetic is too wide for SAT; of an array that was made flat, all of it."""
    weight = config.weight
    product = config.activation.significand_bits + (
        weight.magnitude_bits if isinstance(weight, SignMagnitude) else weight.significand_bits
    )
    wide = {"multiply": product > PROVABLE_PRODUCT, "add": config.accumulator.width > PROVABLE_SUM}
    endings = [f"element_{name}" for name, too_wide in wide.items() if too_wide]
    apart = modules_around(mapped, library, sampled=())
    # One module stands for all elements: it has the name of the kind that has it first.
    parts = {ending: [module for module in apart if module.endswith(ending)] for ending in endings}
    return list(chain(*parts.values())) if all(parts.values()) else [mapped.top]
