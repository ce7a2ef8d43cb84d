"""A register map as a table, from its description in SystemRDL 2.0; the hardware is made from it.

A family has its description beside its hardware; the registers that all have are in ``common.rdl``. What a
field does follows from SystemRDL's own properties (Accellera SystemRDL 2.0, chapter 9); ``Kind`` has those
that are used here. No Amaranth here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ToolError

if TYPE_CHECKING:
    from systemrdl.node import AddrmapNode, FieldNode

COMMON = Path(__file__).with_name("common.rdl")

WORD_BYTES = 4
"""All registers have 32 bits."""

EXTRA = "registers"
"""The optional dependencies that read and export SystemRDL: ``pip install 'tileloom[registers]'``."""


class Kind(enum.Enum):
    """What a field does, and the port of the hardware behind it."""

    CONSTANT = "reads as it was built; no port"
    INPUT = "reads as its port, an input, is"
    VALUE = "holds what software wrote; an output"
    PULSE = "an output, high in the cycle in which software writes a 1; reads as 0"
    EVENT = "set by its port, an input, cleared by software's 1; raises irq while its enable is set"
    COUNTER = "adds its port, an input, in every cycle"


@dataclass(frozen=True)
class Field:
    """Bits ``low`` to ``low + width - 1`` of a register.

    Attributes
    ----------
    port:
        Of the hardware behind it: ``register_field`` in small letters.
    value:
        After reset, or always of a constant.
    enable:
        The port of the field that lets an event raise irq, or "".
    amount_bits:
        Of a counter's port.
    lock:
        The port of the field that keeps software from writing while it is 1, or "".
    """

    port: str
    low: int
    width: int
    kind: Kind
    value: int = 0
    enable: str = ""
    amount_bits: int = 1
    lock: str = ""


@dataclass(frozen=True)
class Register:
    """A word at a byte address, a multiple of four."""

    name: str
    address: int
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Table:
    """A register map, by ascending addresses."""

    registers: tuple[Register, ...]

    @property
    def address_bits(self) -> int:
        """Bits of a byte address that tell all registers apart."""
        return (self.registers[-1].address + WORD_BYTES - 1).bit_length()

    @property
    def addresses(self) -> dict[str, int]:
        """The byte address of each register by its name."""
        return {register.name: register.address for register in self.registers}


def elaborate(description: Path, parameters: Mapping[str, int]) -> AddrmapNode:
    """Return the map that a family's description is with these parameters.

    Raises ToolError where systemrdl-compiler is not installed.
    """
    try:
        from systemrdl.compiler import RDLCompiler
    except ImportError:
        raise ToolError(
            f"systemrdl-compiler is not installed, which reads register maps: pip install 'tileloom[{EXTRA}]'"
        ) from None
    compiler = RDLCompiler()
    for path in (COMMON, description):
        compiler.compile_file(str(path))
    return compiler.elaborate(parameters=dict(parameters)).top


def table(top: AddrmapNode) -> Table:
    """Return a map as a table, without the registers that it has not with its parameters."""
    return Table(
        tuple(
            Register(
                register.inst_name,
                register.absolute_address,
                tuple(_field(register.inst_name, field) for field in register.fields()),
            )
            for register in top.registers(skip_not_present=True)
        )
    )


def _field(register: str, field: FieldNode) -> Field:
    kind = _kind(field)
    reset = field.get_property("reset")
    return Field(
        port=f"{register}_{field.inst_name}".lower(),
        low=field.low,
        width=field.width,
        kind=kind,
        value=reset if isinstance(reset, int) else 0,
        enable=_referred(field, "enable"),
        amount_bits=(kind is Kind.COUNTER and field.get_property("incrwidth")) or 1,
        lock=_referred(field, "swwel"),
    )


def _referred(field: FieldNode, name: str) -> str:
    """Return the port of the field that a property refers to, or "" where the field has no such property."""
    other = field.get_property(name) if name in field.list_properties() else None
    return f"{other.parent.inst_name}_{other.inst_name}".lower() if other else ""


def _kind(field: FieldNode) -> Kind:
    """Return what a field does. Raises ValueError for properties that no hardware is made for."""
    software, hardware = (field.get_property(side).name for side in ("sw", "hw"))
    stored = field.implements_storage
    if field.get_property("counter"):
        found = Kind.COUNTER, ("r", "na", True)
    elif field.get_property("intr"):
        found = Kind.EVENT, ("rw", "w", True)
    elif field.get_property("singlepulse"):
        found = Kind.PULSE, ("w", "r", True)
    elif hardware == "na":
        found = Kind.CONSTANT, ("r", "na", False)
    elif hardware == "r":
        found = Kind.VALUE, ("rw", "r", True)
    else:
        found = Kind.INPUT, ("r", "w", False)
    kind, expected = found
    if (software, hardware, stored) != expected:
        raise ValueError(f"{field.get_path()}: sw={software}, hw={hardware} is no field that is made here")
    return kind
