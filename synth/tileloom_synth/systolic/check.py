"""``tileloom synth --check`` of a systolic array: what is sampled and what is proved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tileloom.cli.console import Step
from tileloom.design import Design
from tileloom.errors import UserError
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.systolic.interface import Interface

from ..check.outcome import Comparison
from ..check.report import VECTORS, Checked, run_check
from ..flow import Mapped
from ..gates import bits
from ..gates.flat import flatten
from ..library.standard_cells import Library
from .array_check import check_array
from .element_check import check_element

ELEMENT = "processing_element"
WITH_ELEMENTS = ("array", "array_mesh", "row")
"""Modules whose proof would be that of all elements in them."""

PROVABLE_BITS, PROVABLE_SUM = 12, 16
"""Widest product of significands and accumulator of an element that SAT does within seconds."""


def refuse_module(module: str | None) -> None:
    """Raise UserError where a module cannot be checked by itself."""
    if module not in (None, ELEMENT):
        raise UserError(f"--check: is for the whole array, or --module {ELEMENT}; not for {module}")


def check(
    config: SystolicConfig, design: Design, mapped: Mapped, library: Library, module: str | None, seed: int
) -> Checked:
    """Return what a check of the mapped array found. Raises CheckError where something differs."""
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
    weight = config.weight
    product = config.activation.significand_bits + (
        weight.magnitude_bits if isinstance(weight, SignMagnitude) else weight.significand_bits
    )
    small = product <= PROVABLE_BITS and config.accumulator.width <= PROVABLE_SUM
    within = (design.name, element, *(f"{design.name}_{name}" for name in WITH_ELEMENTS))
    to_prove = [name for name in mapped.modules if name not in within and not name.startswith(f"{element}_")]
    if small and element in mapped.modules:
        to_prove.append(element)
    return run_check(mapped, library, design, samples, to_prove, seed)
