"""The design of an array that is a functional unit: alone, on CV-X-IF, or CV32E40P with it."""

from __future__ import annotations

from dataclasses import replace

from amaranth.lib import wiring

from ...coprocessor.design import Origin, by_plain_ports, in_core
from ...cores import CV32E40P_FPU
from ...design import Design
from ..config import Host, SystolicConfig
from ..timing import streaming
from .cv32e40p.auxiliary import modules
from .cv32e40p.patch import UNIT, changed_sources
from .cv_x_if import CvXIf
from .generator.unit import FetchingUnit
from .instruction import encoding
from .intrinsics import NAME, constants, header
from .sums import MEMORY
from .unit import Unit

OF_EVERY_ARRAY = frozenset({"mesh", "row", "tile", "encode_weight", "processing_element", "activation_skew"})
"""Instances that an array without a host has too, or the like of it; with all that is in them."""


def generate_coprocessor(config: SystolicConfig, name: str | None, origin: Origin) -> Design:
    """Return the design of an array with a host; ``name`` and errors as in ``design.build``.

    ``origin`` says what part of the array a module is. The manifest has the encoding, every port with its
    direction and width, and the header's constants; ``sources`` has the header, and for CV32E40P the core's
    files.
    """

    def part(path: tuple[str, ...]) -> str:
        if path[:1] == (MEMORY,):
            return "memory"
        if "fetch" in path:
            return "address generator"
        shared = {"digit_product", "full_adder"} & set(path)
        return origin(path) if shared or OF_EVERY_ARRAY & set(path) else "functional unit"

    description = {"encoding": encoding(config), "constants": constants(config)}
    if config.host is Host.CV32E40P:
        verilog, origins = modules(config)
        sources = changed_sources(CV32E40P_FPU.sources(), verilog, config.memory_bits)
        parts = {module: part(path) for module, path in origins.items()}
        design = in_core(config, CV32E40P_FPU, sources, UNIT, name, description, timing(config), parts)
    else:
        make = CvXIf if config.host is Host.CV_X_IF else FetchingUnit if config.memory_bits else Unit
        top: wiring.Component = make(config)
        design = by_plain_ports(config, top, name, description, timing(config), part)
    return replace(design, sources={**design.sources, NAME: header(config)})


def timing(config: SystolicConfig) -> dict[str, int]:
    """Return the manifest's figures: instructions, and cycles from a vector's last step."""
    timetable = streaming(config)
    return {
        "weight_instructions_per_tile": int(constants(config)["WEIGHT_WORDS"]),
        "step_instructions_per_vector": config.step_interval,
        "vectors_behind": 2,
        # One for the vector to be handed over, one for the result to be kept.
        "first_result_cycles": timetable.result_appears(0) + 2,
        "last_result_cycles": timetable.result_appears(config.columns - 1) + 2,
        "weights_released_cycles": timetable.weights_released + 2,
    }
