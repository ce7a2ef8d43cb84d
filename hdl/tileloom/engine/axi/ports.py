"""The AXI4 engine's ports, by the names that AMBA gives them: ``m_axi_araddr`` and so on."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Signal, Value
from amaranth.utils import exact_log2

from ...stream.ports import NamedPorts
from .engine import AxiEngine

INCR = 1
"""The burst type of addresses that go up (AMBA AXI, table A3-3)."""

BUFFERABLE = 0b0011
"""Memory type: normal, non-cacheable, bufferable (table A4-5)."""


class AxiPorts(NamedPorts):
    """Wraps an ``AxiEngine``: its streams by their AXI4-Stream names, its master as ``m_axi_``.

    ``description`` has the master's signals under ``master``: those of each channel and their widths.
    """

    def __init__(self, component: AxiEngine) -> None:
        self._bus = component.config.bus
        super().__init__(component, axi4_stream_names=True)

    def _add_stream(self, name: str, port: Any, *, inward: bool) -> None:
        if name not in ("ar", "r", "aw", "w", "b"):
            super()._add_stream(name, port, inward=inward)
            return
        payload = port.payload
        fields: dict[str, Value] = (
            {"resp": payload}
            if name == "b"
            else {field: getattr(payload, field) for field in payload.shape().members}
        )
        constants = {}
        if name in ("ar", "aw"):
            constants = {
                "id": Const(0, 1),
                "size": Const(exact_log2(self._bus // 8), 3),
                "burst": Const(INCR, 2),
                "cache": Const(BUFFERABLE, 4),
                "prot": Const(0, 3),
            }
        elif inward:
            # The master has one ID and need not look at it.
            fields["id"] = Signal(1)
        fields["valid"] = port.valid
        signals = {}
        for field, inner in {**fields, **constants, "ready": port.ready}.items():
            outer = Signal(len(Value.cast(inner)), name=f"m_axi_{name}{field}")
            self.signals.append(outer)
            signals[outer.name] = len(outer)
            from_outside = inward != (field == "ready")
            value = Value.cast(inner)
            self._wires.append((value, outer) if from_outside else (outer, value))
        self.description.setdefault("master", {})[name] = signals
