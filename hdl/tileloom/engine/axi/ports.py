"""The AXI4 engine's ports, by the names that AMBA gives them: ``m_axi_araddr`` and so on."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Signal, Value
from amaranth.lib import data
from amaranth.utils import exact_log2

from ...stream.ports import NamedPorts
from .control import ControlledEngine
from .engine import AxiEngine

INCR = 1
"""The burst type of addresses that go up (AMBA AXI, table A3-3)."""

BUFFERABLE = 0b0011
"""Memory type: normal, non-cacheable, bufferable (table A4-5)."""


class AxiPorts(NamedPorts):
    """Wraps an AXI4 engine: its master as ``m_axi_``, registers as ``s_axi_``, streams as AXI4-Stream's.

    ``description`` has the master's signals under ``master``: those of each channel and their widths; those
    of AXI4-Lite under ``registers``.
    """

    def __init__(self, component: AxiEngine | ControlledEngine) -> None:
        self._bus = component.config.bus
        super().__init__(component, axi4_stream_names=True)

    def _add_stream(self, name: str, port: Any, *, inward: bool) -> None:
        channel = name.removeprefix("control_")
        if channel not in ("ar", "r", "aw", "w", "b"):
            super()._add_stream(name, port, inward=inward)
            return
        payload = port.payload
        lite = channel != name
        fields: dict[str, Value]
        if isinstance(payload, data.View):
            fields = {field: getattr(payload, field) for field in payload.shape().members}
        else:
            fields = {"resp" if channel == "b" else "addr": payload}
        constants = {}
        if not lite and channel in ("ar", "aw"):
            constants = {
                "id": Const(0, 1),
                "size": Const(exact_log2(self._bus // 8), 3),
                "burst": Const(INCR, 2),
                "cache": Const(BUFFERABLE, 4),
                "prot": Const(0, 3),
            }
        elif not lite and inward:
            # The master has one ID and need not look at it.
            fields["id"] = Signal(1)
        fields["valid"] = port.valid
        signals = {}
        for field, inner in {**fields, **constants, "ready": port.ready}.items():
            prefix = "s_axi" if lite else "m_axi"
            outer = Signal(len(Value.cast(inner)), name=f"{prefix}_{channel}{field}")
            self.signals.append(outer)
            signals[outer.name] = len(outer)
            from_outside = inward != (field == "ready")
            value = Value.cast(inner)
            self._wires.append((value, outer) if from_outside else (outer, value))
        self.description.setdefault("registers" if lite else "master", {})[channel] = signals
