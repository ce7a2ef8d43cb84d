"""``tileloom synth --check`` of an xDecimate unit: sampled, alone and for CV32E40X, and proved whole."""

from __future__ import annotations

import numpy as np

from tileloom.design import Design
from tileloom.xfu.config import Host, XfuConfig

from ..check.report import Checked, run_check
from ..flow import Mapped
from ..gates.flat import flatten
from ..library.standard_cells import Library
from .unit_check import check_unit


def check(config: XfuConfig, design: Design, mapped: Mapped, library: Library, seed: int) -> Checked:
    """Return what a check of the mapped unit found. Raises CheckError where something differs."""
    rng = np.random.default_rng(seed)
    inside = f"{design.name}_unit" if config.host is Host.CV_X_IF else design.name
    samples = []
    # A coprocessor that was made flat has no unit of its own; those for other hosts have another one.
    if inside in mapped.modules and (config.host is Host.UNIT or config.for_cv32e40x):
        flat = flatten(mapped, library, design.manifest["modules"], top=inside)
        samples = [("xDecimate unit", lambda shown: check_unit(config, flat, rng))]
    return run_check(mapped, library, design, samples, (), seed)
