"""Results of a column of engines on their way out: one stream, a block column of an engine at a time."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream import packet
from ..config import EngineConfig
from ..drain import result_layout


def gathered_layout(config: EngineConfig, rows: int) -> data.StructLayout:
    """Return the payload of gathered results: ``data``, ``last`` of a packet, and ``id``, the engine's row.

    Of one row there is no ``id``.
    """
    tag = {"id": ceil_log2(rows)} if rows > 1 else {}
    return data.StructLayout({"data": result_layout(config), "last": 1, **tag})


class Gather(wiring.Component):
    """Passes packets of ``rows`` streams, in turn of those that have one; a transfer in every cycle.

    What is on offer stays on offer until its packet has ended, and the next packet may begin in the cycle
    after. Ports: streams ``incoming[0]`` and so on, packets of ``result_layout``; stream ``outgoing``, of
    ``gathered_layout``.
    """

    def __init__(self, config: EngineConfig, rows: int) -> None:
        self.rows = rows
        super().__init__(
            {
                "incoming": In(stream.Signature(packet(result_layout(config)))).array(rows),
                "outgoing": Out(stream.Signature(gathered_layout(config, rows))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        outgoing = self.outgoing
        holder, held = Signal(range(self.rows), name="holder"), Signal(name="held")
        chosen = Signal.like(holder, name="chosen")
        valid = Cat(port.valid for port in self.incoming)
        m.d.comb += chosen.eq(holder)
        with m.If(~held), m.Switch(holder):
            for before in range(self.rows):
                with m.Case(before):
                    # The nearest behind the one that was last, that one in the end: later lines win.
                    for distance in reversed(range(1, self.rows + 1)):
                        row = (before + distance) % self.rows
                        with m.If(valid[row]):
                            m.d.comb += chosen.eq(row)
        # An array's payloads are read as bits, whose fields are those of all.
        payloads = Array(port.payload.as_value() for port in self.incoming)
        word = data.View(packet(outgoing.payload.data.shape()), payloads[chosen])
        m.d.comb += [
            outgoing.payload.data.eq(word.data),
            outgoing.payload.last.eq(word.last),
            outgoing.valid.eq(valid.bit_select(chosen, 1)),
        ]
        if self.rows > 1:
            m.d.comb += outgoing.payload.id.eq(chosen)
        for row, port in enumerate(self.incoming):
            m.d.comb += port.ready.eq(outgoing.ready & (chosen == row))
        with m.If(outgoing.valid):
            m.d.sync += [holder.eq(chosen), held.eq(~(outgoing.ready & outgoing.payload.last))]
        return m
