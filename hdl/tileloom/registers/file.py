"""The registers of a table in hardware, behind AXI4-Lite."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .axi_lite import CHANNELS, AxiLite, channels
from .table import Field, Kind, Table

WORD_SHIFT = 2
"""From a byte address to that of a word."""

CONTROL = "control_"
"""Begins the names of the AXI4-Lite channels of a component that has registers inside."""


def control_members(table: Table) -> dict[str, Any]:
    """Return the channels of AXI4-Lite, as members of a component that has the registers inside."""
    return {f"{CONTROL}{name}": member for name, member in channels(table.address_bits).items()}


def connect_control(m: Module, component: wiring.Component, registers: RegisterFile) -> None:
    """Connect the channels of a component with ``control_members`` to the registers inside."""
    for name in control_members(registers.table):
        outer = wiring.flipped(getattr(component, name))
        wiring.connect(m, outer, getattr(registers, name.removeprefix(CONTROL)))


def _port(field: Field) -> dict[str, Any]:
    """Return the port of a field, by its name."""
    match field.kind:
        case Kind.INPUT:
            return {field.port: In(field.width)}
        case Kind.VALUE:
            return {field.port: Out(field.width, init=field.value)}
        case Kind.PULSE:
            return {field.port: Out(field.width)}
        case Kind.EVENT:
            return {field.port: In(field.width)}
        case Kind.COUNTER:
            return {field.port: In(field.amount_bits)}
    return {}


class RegisterFile(wiring.Component):
    """The registers of a map.

    Ports: AXI4-Lite as ``axi_lite.channels``; the fields' as ``Kind`` has them, by ``Field.port``; ``irq``
    (out), high while an event and its enable are set. Of a field that is written only bytes with a strobe
    change; a write to what cannot be written changes nothing and is answered with OKAY.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        ports: dict[str, Any] = {}
        for register in table.registers:
            for field in register.fields:
                ports |= _port(field)
        super().__init__({**channels(table.address_bits), **ports, "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.axi = axi = AxiLite(self.table.address_bits)
        for name in CHANNELS:
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(axi, name))
        written = Cat(bit.replicate(8) for bit in axi.write_strobe)
        pending: list[Value] = []
        words = {}
        writing = {
            register.address: Signal(name=f"write_{register.name.lower()}")
            for register in self.table.registers
        }
        for register in self.table.registers:
            parts: list[Value] = []
            for field in register.fields:
                bits = slice(field.low, field.low + field.width)
                ones = axi.write_data[bits] & written[bits]
                shown = self._field(m, field, writing[register.address], ones, written[bits])
                parts += [Const(0, field.low - sum(map(len, parts))), shown]
                if field.enable:
                    pending.append(shown & getattr(self, field.enable))
            words[register.address] = Cat(parts)
        with m.Switch(axi.write_address >> WORD_SHIFT):
            for address, strobe in writing.items():
                with m.Case(address >> WORD_SHIFT):
                    m.d.comb += [axi.write_found.eq(1), strobe.eq(axi.write)]
        with m.Switch(axi.read_address >> WORD_SHIFT):
            for address, word in words.items():
                with m.Case(address >> WORD_SHIFT):
                    m.d.comb += [axi.read_found.eq(1), axi.read_data.eq(word)]
        m.d.comb += self.irq.eq(Cat(pending).any())
        return m

    def _field(self, m: Module, field: Field, writing: Value, ones: Value, mask: Value) -> Value:
        """Make a field that is written with ``ones`` in the bits of ``mask``; return what is read of it."""
        match field.kind:
            case Kind.CONSTANT:
                return Const(field.value, field.width)
            case Kind.INPUT:
                return getattr(self, field.port)
            case Kind.VALUE:
                value = getattr(self, field.port)
                with m.If(writing & ~getattr(self, field.lock) if field.lock else writing):
                    m.d.sync += value.eq((value & ~mask) | ones)
                return value
            case Kind.PULSE:
                m.d.comb += getattr(self, field.port).eq(ones & writing.replicate(field.width))
                return Const(0, field.width)
            case Kind.EVENT:
                value = Signal(field.width, name=f"{field.port}_pending")
                # An event that comes while it is cleared is not lost.
                kept = value & ~(ones & writing.replicate(field.width))
                m.d.sync += value.eq(kept | getattr(self, field.port))
                return value
            case Kind.COUNTER:
                value = Signal(field.width, name=f"{field.port}_value")
                m.d.sync += value.eq(value + getattr(self, field.port))
                return value
