"""The design of an engine: its ports, its latencies, what its modules are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..design import Design, Parts, build
from ..registers.exports import exported
from ..registers.software import driver
from ..stream.ports import NamedPorts
from .axi.control import ControlledEngine
from .axi.ports import AxiPorts
from .axi.registers import register_map
from .config import EngineConfig, EnginePort
from .engine import Engine, core_timing
from .grid.grid import Grid
from .grid.master import axi_engine

SOFTWARE = Path(__file__).parent / "axi" / "software"
"""The driver in C."""

ORIGINS = {
    "activation_memory": "memory",
    "accumulator_memory": "memory",
    "mask_memory": "memory",
    "tile_memory": "memory",
    "dot_element": "dot product",
    "sum_of_products": "dot product",
    "processing_element": "processing element",
    "multiply": "multiplier",
    "add": "adder",
    "requantise": "requantise",
    "scaled_magnitude": "requantise",
    "core": "core's operands",
    "a_buffer": "A buffer",
    "b_buffer": "B buffer",
    "accumulators": "accumulators",
    "drain": "drain",
    "feeder": "headers",
    "walker": "walker",
    "descriptors": "AXI4 master",
    "channel": "AXI4 master",
    "read_activations": "AXI4 master",
    "read_index": "AXI4 master",
    "read_weights": "AXI4 master",
    "write": "AXI4 master",
    "registers": "registers",
    "routes": "AXI4 master",
    "result_buffer": "AXI4 master",
}
"""What part of the engine a module is, by the first name on the way to it; all others are control."""


def generate(config: EngineConfig, name: str | None = None) -> Design:
    """Return the engine that ``config`` describes; ``name`` and errors as in ``design.build``."""
    top = wrapped(config)
    where = grid_origin if config.is_grid else origin
    parts = Parts(top, top.signals, top.description, timing(config), where)
    design = build(config, parts, name)
    if not config.wrapper:
        return design
    # The driver cuts layers for one engine.
    software = {} if config.is_grid else driver(SOFTWARE, design.name)
    return replace(design, sources={**exported(register_map(config), design), **software})


def wrapped(config: EngineConfig) -> NamedPorts:
    """Return the engine under the names that its ports have in Verilog."""
    if config.port is EnginePort.AXI4:
        return AxiPorts(ControlledEngine(config) if config.wrapper else axi_engine(config))
    component = Grid(config) if config.is_grid else Engine(config)
    return NamedPorts(component, axi4_stream_names=config.axi4_stream_names)


def timing(config: EngineConfig) -> dict[str, int]:
    """Return the manifest's figures of an engine: cycles of its core, beats of a block and of a header."""
    core = core_timing(config)
    return {
        "macs_per_cycle": config.macs,
        "core_latency_cycles": core.latency,
        "cycles_between_blocks": core.block_interval,
        "cycles_between_passes_of_a_tile": core.hazard,
        "weight_transfers_per_block": config.block_beats,
        "weight_transfers_per_header": config.header_beats,
    }


def origin(path: tuple[str, ...]) -> str:
    """Return which part of the engine the module at ``path`` belongs to."""
    return next((ORIGINS[part] for part in path if part in ORIGINS), "control")


def grid_origin(path: tuple[str, ...]) -> str:
    """Return which part of a grid the module at ``path`` is: one of its engines', or what is around them."""
    shared = path[0] if path else ""
    if shared.startswith("fork_"):
        return "broadcast"
    if shared in ("gather", "tile"):
        return {"gather": "gather", "tile": "memory tile"}[shared]
    found = origin(path)
    return "grid" if shared in ("", "array") and found == "control" else found
