"""Ports of a top behind registers: AXI4-Lite by the names that AMBA gives it, ``s_axi_awaddr`` and so on."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal, Value
from amaranth.lib import data, wiring

from ..stream.ports import NamedPorts
from .file import CONTROL


class ControlledPorts(NamedPorts):
    """Wraps a component: its ``control_members`` as ``s_axi_``, streams by AXI4-Stream's names.

    ``description`` has the signals of each channel and their widths under ``registers``.
    """

    def __init__(self, component: wiring.Component) -> None:
        super().__init__(component, axi4_stream_names=True)

    def _add_stream(self, name: str, port: Any, *, inward: bool) -> None:
        if name.startswith(CONTROL):
            channel = name.removeprefix(CONTROL)
            fields = {**channel_fields(channel, port), "valid": port.valid, "ready": port.ready}
            self._add_channel("registers", "s_axi", channel, fields, inward=inward)
        else:
            super()._add_stream(name, port, inward=inward)

    def _add_channel(
        self, kind: str, prefix: str, channel: str, fields: dict[str, Value], *, inward: bool
    ) -> None:
        """Add a channel's signals, by their names without the channel's, to ``kind`` of the description."""
        signals = {}
        for field, inner in fields.items():
            value = Value.cast(inner)
            outer = Signal(len(value), name=f"{prefix}_{channel}{field}")
            self.signals.append(outer)
            signals[outer.name] = len(outer)
            from_outside = inward != (field == "ready")
            self._wires.append((value, outer) if from_outside else (outer, value))
        self.description.setdefault(kind, {})[channel] = signals


def channel_fields(channel: str, port: Any) -> dict[str, Value]:
    """Return what a channel's stream says, by AMBA's names without the channel's."""
    payload = port.payload
    if isinstance(payload, data.View):
        return {field: getattr(payload, field) for field in payload.shape().members}
    return {"resp" if channel == "b" else "addr": payload}
