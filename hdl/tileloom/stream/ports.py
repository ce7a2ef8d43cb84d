"""Ports of a generated top: a component's streams as signals with names that users see.

The plain names are ``weights_data``, ``weights_valid``, ``weights_ready``, ``weights_last``, and where
packets of several sources share a stream ``results_id``. The AXI4-Stream names are ``s_axis_weights_tdata``
and so on (``m_axis_`` for outputs), with the clock ``aclk``, the reset ``aresetn``, active low, and data
padded with zeros to whole bytes (AMBA 4 AXI4-Stream, section 2).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In


class NamedPorts(Elaboratable):
    """Wraps a component whose ports are streams, under the names of either convention, and plain outputs.

    Attributes
    ----------
    signals:
        The ports of the wrapper, clock and reset first.
    description:
        The manifest's account of them: ``clock``, ``reset`` and ``ports``, one entry per stream with its
        ``direction``, ``elements``, ``element_width`` (bits) and ``signals``; ``outputs``, the widths of the
        plain outputs by name, if there are any.
    """

    def __init__(self, component: wiring.Component, *, axi4_stream_names: bool) -> None:
        self.component = component
        self.axi = axi4_stream_names
        self.clock = Signal(name="aclk" if self.axi else "clk")
        self.reset = Signal(name="aresetn" if self.axi else "rst")
        self.signals = [self.clock, self.reset]
        self.description: dict[str, Any] = {
            "clock": self.clock.name,
            "reset": {"name": self.reset.name, "active_low": self.axi},
            "ports": [],
        }
        # Which of the wrapper's signals drives which of the component's, or the other way round.
        self._wires: list[tuple[Value, Value]] = []
        for name, member in component.signature.members.items():
            if member.is_port:
                self._add_output(name, Value.cast(getattr(component, name)))
            else:
                self._add_stream(name, getattr(component, name), inward=member.flow is In)

    def _add_output(self, name: str, inner: Value) -> None:
        outer = Signal(len(inner), name=name)
        self.signals.append(outer)
        self._wires.append((outer, inner))
        self.description.setdefault("outputs", {})[name] = len(inner)

    def _add_stream(self, name: str, port: Any, *, inward: bool) -> None:
        payload = port.payload
        layout = payload.shape()
        packet = isinstance(layout, data.StructLayout) and {"data", "last"} <= set(layout.members)
        words = payload.data if packet else payload
        fields = {"data": Value.cast(words), "valid": port.valid, "ready": port.ready}
        if packet:
            fields |= {field: payload[field] for field in layout.members if field != "data"}
        names = {}
        for field, inner in fields.items():
            width = len(inner)
            if self.axi:
                prefix = "s_axis" if inward else "m_axis"
                outer_name = f"{prefix}_{name}_t{field}"
                width = -(-width // 8) * 8 if field == "data" else width
            else:
                outer_name = f"{name}_{field}"
            outer = Signal(width, name=outer_name)
            names[field] = outer_name
            self.signals.append(outer)
            driven_from_outside = inward != (field == "ready")
            self._wires.append((inner, outer) if driven_from_outside else (outer, inner))
        shape = words.shape() if hasattr(words, "shape") else None
        elements = getattr(shape, "length", 1)
        self.description["ports"].append(
            {
                "name": name,
                "direction": "in" if inward else "out",
                "elements": elements,
                "element_width": len(fields["data"]) // elements,
                "signals": names,
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware: wires, and an inverter if the reset is active low."""
        m = Module()
        domain = ClockDomain("sync")
        domain.clk = self.clock
        if not self.axi:
            domain.rst = self.reset
        else:
            m.d.comb += domain.rst.eq(~self.reset)
        m.domains += domain
        m.submodules.array = self.component
        m.d.comb += [target.eq(source) for target, source in self._wires]
        return m
