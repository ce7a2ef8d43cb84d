"""The AXI4 engine's ports, by the names that AMBA gives them: ``m_axi_araddr`` and so on."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Signal, Value
from amaranth.utils import exact_log2

from ...registers.ports import ControlledPorts, channel_fields
from .control import ControlledEngine
from .engine import AxiEngine

INCR = 1
"""The burst type of addresses that go up (AMBA AXI, table A3-3)."""

BUFFERABLE = 0b0011
"""Memory type: normal, non-cacheable, bufferable (table A4-5)."""


class AxiPorts(ControlledPorts):
    """Wraps an AXI4 engine: its master as ``m_axi_``, its registers or its streams as ``ControlledPorts``.

    ``description`` has the master's signals under ``master``: those of each channel and their widths.
    """

    def __init__(self, component: AxiEngine | ControlledEngine) -> None:
        self._bus = component.config.bus
        super().__init__(component)

    def _add_stream(self, name: str, port: Any, *, inward: bool) -> None:
        if name not in ("ar", "r", "aw", "w", "b"):
            super()._add_stream(name, port, inward=inward)
            return
        # The master has one ID and need not look at it.
        before: dict[str, Value] = {"id": Signal(1)} if inward else {}
        after: dict[str, Value] = {}
        if name in ("ar", "aw"):
            after = {
                "id": Const(0, 1),
                "size": Const(exact_log2(self._bus // 8), 3),
                "burst": Const(INCR, 2),
                "cache": Const(BUFFERABLE, 4),
                "prot": Const(0, 3),
            }
        handshake = {"valid": port.valid, **after, "ready": port.ready}
        fields = {**channel_fields(name, port), **before, **handshake}
        self._add_channel("master", "m_axi", name, fields, inward=inward)
