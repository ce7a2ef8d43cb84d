"""The design of an array that is a functional unit: alone, on CV-X-IF, or CV32E40P with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Value

from ...coprocessor.ports import described
from ...cores import CV32E40P_FPU
from ...design import Design, Parts, build, checked_name, manifest
from ...families import design_name
from ..config import Host, SystolicConfig
from ..timing import streaming
from .cv32e40p.auxiliary import modules
from .cv32e40p.patch import UNIT, changed_sources
from .cv_x_if import CvXIf
from .instruction import encoding
from .intrinsics import NAME, constants, header
from .unit import Unit

FILE_LIST = "cv32e40p.f"
"""The list of files of a core, in the order in which a tool must read them."""

Origin = Callable[[tuple[str, ...]], str]
"""Says what part of the array a module is, from the instance names that lead to it."""


OF_EVERY_ARRAY = frozenset({"mesh", "row", "tile", "encode_weight", "processing_element", "activation_skew"})
"""Instances that an array without a host has too, or the like of it; with all that is in them."""


def generate_coprocessor(config: SystolicConfig, name: str | None, origin: Origin) -> Design:
    """Return the design of an array with a host; ``name`` and errors as in ``design.build``.

    ``origin`` says what part of the array a module is. The manifest has the encoding, every port with its
    direction and width, and the header's constants; ``sources`` has the header, and for CV32E40P the core's
    files.
    """
    name = design_name(config) if name is None else checked_name(name)

    def part(path: tuple[str, ...]) -> str:
        shared = {"digit_product", "full_adder"} & set(path)
        return origin(path) if shared or OF_EVERY_ARRAY & set(path) else "functional unit"

    description: dict[str, Any] = {"encoding": encoding(), "constants": constants(config)}
    text = {NAME: header(config)}
    if config.host is Host.CV32E40P:
        return _core(config, name, description, text, part)
    top = CvXIf(config) if config.host is Host.CV_X_IF else Unit(config)
    ports = list(top.signature.flatten(top))
    description |= {
        "clock": "clk",
        "reset": {"name": "rst", "active_low": False},
        "ports": described(ports),
    }
    signals = [Value.cast(value) for _, _, value in ports]
    design = build(config, Parts(top, signals, description, timing(config), part), name)
    return Design(design.name, design.verilog, design.manifest, text)


def _core(
    config: SystolicConfig, name: str, description: dict[str, Any], text: dict[str, str], origin: Origin
) -> Design:
    verilog, origins = modules(config)
    sources = changed_sources(CV32E40P_FPU.sources(), verilog)
    headers = dict(CV32E40P_FPU.headers)
    description |= {
        "top": CV32E40P_FPU.top,
        "parameters": dict(CV32E40P_FPU.parameters),
        "files": [f"{name}.v" if file == UNIT else file for file in sources if file not in headers],
    }
    parts = {module: origin(path) for module, path in origins.items()}
    core = {file: source for file, source in sources.items() if file != UNIT}
    return Design(
        name,
        verilog,
        manifest(config, name, description, timing(config), parts),
        {**core, **text},
        FILE_LIST,
    )


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
