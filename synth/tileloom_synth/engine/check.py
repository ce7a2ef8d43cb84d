"""``tileloom synth --check`` of an engine: its arithmetic is sampled, all around it proved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tileloom.cli.console import Step
from tileloom.design import Design
from tileloom.engine.config import Core, EngineConfig

from ..check.outcome import Comparison
from ..check.report import VECTORS, Checked, run_check
from ..flow import Mapped
from ..gates.flat import flatten
from ..library.standard_cells import Library
from ..synthesis import UNITS
from ..systolic.element_check import check_element
from .core_check import check_core
from .requantise_check import check_requantise

ARITHMETIC = ("processing_element_add", "processing_element_multiply")
"""Modules of a systolic core that are sampled, besides ``UNITS``."""

LANES = 512
"""Cores simulated at once: about a hundred thousand elements' results of a 4 x 8 x 8 core."""


def check(config: EngineConfig, design: Design, mapped: Mapped, library: Library, seed: int) -> Checked:
    """Return what a check of the mapped engine found. Raises CheckError where something differs."""
    rng = np.random.default_rng(seed)
    parts = design.manifest["modules"]
    core = flatten(mapped, library, parts, top=f"{design.name}_core")
    samples: list[tuple[str, Callable[[Step], Comparison]]] = []
    if config.core is Core.SYSTOLIC:
        element = flatten(mapped, library, parts, top=f"{design.name}_processing_element")
        samples.append(
            ("processing element", lambda shown: check_element(config.systolic, element, rng, VECTORS))
        )
    samples.append(("compute core", lambda shown: check_core(config, core, rng, lanes=LANES)))
    if config.requantise:
        lane = flatten(mapped, library, parts, top=f"{design.name}_requantise")
        samples.append(
            ("requantisation", lambda shown: check_requantise(config, lane, rng, VECTORS)),
        )
    sampled = [name for name, part in parts.items() if part in UNITS]
    sampled += [f"{design.name}_{name}" for name in ARITHMETIC]
    return run_check(mapped, library, design, samples, sampled, seed)
