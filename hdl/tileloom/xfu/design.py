"""Generation of the xDecimate unit: a configuration in, Verilog and its manifest out."""

from __future__ import annotations

import dataclasses
import enum
import importlib.metadata
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ..export import export
from ..systolic.design import Design
from .config import XfuConfig
from .cv_x_if import CvXIf
from .instruction import FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE
from .unit import Unit


class Form(enum.Enum):
    """What is generated: the core-agnostic unit behind streams, or the coprocessor for CV-X-IF."""

    UNIT = "unit"
    CV_X_IF = "cv_x_if"


def generate_xfu(config: XfuConfig, form: Form = Form.CV_X_IF, name: str | None = None) -> Design:
    """Return the unit that ``config`` describes, with ``name`` as top module, by default config's and form's.

    The same arguments give the same bytes. The manifest has the configuration, the encoding, and every port
    with its direction and width; a port with fields has the bits of each.
    """
    name = name or f"{config.name}_{form.value}"
    unit = form is Form.UNIT
    top = Unit(config, tag_bits=config.id_width, fault_bits=1) if unit else CvXIf(config)
    ports = [(path, member, value) for path, member, value in top.signature.flatten(top)]
    netlist = export(top, name, [Value.cast(value) for _, _, value in ports])
    encoding = {f"xdecimate.{size}": FUNCT2[size] for size in config.group_sizes}
    manifest = {
        "name": name,
        "config": {**dataclasses.asdict(config), "group_sizes": list(config.group_sizes)},
        "form": form.value,
        "encoding": {
            "opcode": OPCODE,
            "funct3": FUNCT3,
            "funct2": {**encoding, "xdecimate.counter": FUNCT2_COUNTER},
        },
        "clock": "clk",
        "reset": {"name": "rst", "active_low": False},
        "ports": [_port(path, member, value) for path, member, value in ports],
        "modules": {module: path[-1] if path else "top" for module, path in netlist.origins.items()},
        "tools": {tool: importlib.metadata.version(tool) for tool in ("tileloom", "amaranth", "pyosys")},
    }
    return Design(name, netlist.verilog, manifest)


def _port(path: tuple[str | int, ...], member: wiring.Member, value: Any) -> dict[str, Any]:
    """Return the manifest's account of a port."""
    port: dict[str, Any] = {
        "name": "__".join(map(str, path)),
        "direction": "in" if member.flow is In else "out",
        "width": len(Value.cast(value)),
    }
    shape = value.shape()
    if isinstance(shape, data.StructLayout):
        port["fields"] = {
            field: [place.offset, place.offset + place.width - 1] for field, place in _places(shape)
        }
    return port


def _places(layout: data.StructLayout) -> list[tuple[str, data.Field]]:
    return [(str(key), field) for key, field in layout]
