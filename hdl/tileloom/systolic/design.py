"""The design of a systolic array: its ports, its latencies, what its modules are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..design import Design, Parts, build
from ..registers.exports import exported
from ..registers.ports import ControlledPorts
from ..registers.software import driver
from ..stream.ports import NamedPorts
from .array import systolic_array
from .config import Port, SystolicConfig
from .control import ControlledArray
from .coprocessor.design import generate_coprocessor
from .registers import register_map
from .timing import Timetable

SOFTWARE = Path(__file__).with_name("software")
"""The driver in C."""

ORIGINS = {
    "multiply": "multiplier",
    "align": "align",
    "normalise_coarse": "normalise",
    "normalise_fine": "normalise",
    "add": "adder",
    "round": "round",
    "processing_element": "processing element",
    "following_element": "processing element",
    "activation_skew": "skew",
    "psum_skew": "skew",
    "result_deskew": "skew",
    "full_adder": "multiplier",
    "loader": "weight loading",
    "encode_weight": "weight loading",
    "tile": "weight loading",
    "job": "registers",
    "registers": "registers",
}
"""What part of the array an instance is, by its name; ``origin`` applies it to a module."""


def generate(config: SystolicConfig, name: str | None = None) -> Design:
    """Return the array that ``config`` describes; ``name`` and errors as in ``design.build``."""
    if config.host:
        return generate_coprocessor(config, name, origin)
    top = wrapped(config)
    parts = Parts(top, top.signals, top.description, timing(config), origin)
    design = build(config, parts, name)
    if not config.wrapper:
        return design
    documents = exported(register_map(config), design)
    return replace(design, sources={**documents, **driver(SOFTWARE, design.name)})


def wrapped(config: SystolicConfig) -> NamedPorts:
    """Return the array under the names that its ports have in Verilog."""
    if config.wrapper:
        return ControlledPorts(ControlledArray(config))
    return NamedPorts(systolic_array(config), axi4_stream_names=config.axi4_stream_names)


def timing(config: SystolicConfig) -> dict[str, int]:
    """Return the manifest's figures of an array: cycles, and transfers per tile and per vector."""
    timetable = Timetable(config)
    word_port = config.port is Port.WORD
    weight_words = -(-config.columns // config.weights_per_word) if word_port else 1
    return {
        "cycles_per_vector": config.step_interval,
        "latency_cycles": timetable.latency,
        "latency_cycles_per_multiply_stage": 1,
        "latency_cycles_per_add_stage": config.rows,
        "weights_released_after_cycles": timetable.weights_released + 1,
        "weight_transfers_per_tile": config.rows * weight_words,
        "activation_transfers_per_vector": config.rows if word_port else 1,
        "result_transfers_per_vector": config.columns if word_port else 1,
    }


def origin(path: tuple[str, ...]) -> str:
    """Return which part of the array the module at ``path`` belongs to."""
    parts = [ORIGINS[part] for part in path if part in ORIGINS]
    if "multiplier" in parts:
        return "multiplier"
    return parts[-1] if parts else "control"
