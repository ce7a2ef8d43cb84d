"""Dispatch: commands, in order, to the queues of the units that carry them out."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..stream.queue import Queue
from .config import EngineConfig
from .layouts import (
    COMMAND,
    FEED_COMMAND,
    WALK_COMMAND,
    Opcode,
    conv_command,
    load_command,
    narrowed,
    write_command,
)
from .repeat import Repeat

QUEUE = 2
"""Commands that wait or are under way in each unit."""


def unit_layouts(config: EngineConfig) -> dict[str, tuple[Opcode, data.StructLayout]]:
    """Return for each unit which commands it is handed, and what it needs of one."""
    return {
        "load": (Opcode.LOAD, load_command(config)),
        "conv": (Opcode.CONV, conv_command(config)),
        "walk": (Opcode.CONV, WALK_COMMAND),
        "feed": (Opcode.CONV, FEED_COMMAND),
        "write": (Opcode.WRITE, write_command(config)),
    }


class Dispatch(wiring.Component):
    """Hands each command to its unit, a CONV to the three that share it, as often as it says.

    A command that does nothing is taken and dropped. One that its unit has no room for waits, and what is
    behind it with it. Ports: stream ``commands`` (in, ``COMMAND``); streams ``load``, ``walk`` and ``write``
    (out), an iteration each, taken when it is done; ``conv`` and ``feed`` (out), a command with all its
    iterations, which the walker counts for them; ``walk_last`` (out), the iteration is its command's last;
    ``idle`` (out), no command waits or is under way.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.layouts = unit_layouts(config)
        units = {name: Out(stream.Signature(layout)) for name, (_, layout) in self.layouts.items()}
        super().__init__(
            {"commands": In(stream.Signature(COMMAND)), **units, "walk_last": Out(1), "idle": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        command = self.commands.payload
        queues = {}
        for name, (_, layout) in self.layouts.items():
            m.submodules[f"{name}_queue"] = queue = Queue(layout, QUEUE)
            unit = wiring.flipped(getattr(self, name))
            if "iterations" in layout.members:
                m.submodules[f"{name}_repeat"] = repeat = Repeat(layout)
                wiring.connect(m, queue.outgoing, repeat.commands)
                wiring.connect(m, repeat.iterations, unit)
                if name == "walk":
                    m.d.comb += self.walk_last.eq(repeat.last)
            else:
                wiring.connect(m, queue.outgoing, unit)
            fields = narrowed(command, layout)
            m.d.comb += [getattr(queue.incoming.payload, field).eq(value) for field, value in fields.items()]
            queues[name] = queue

        # The queues of a CONV fill together and need not empty together: it waits for room in all.
        ready = Signal()
        with m.Switch(command.opcode):
            for opcode in Opcode:
                waits = [queues[name] for name, (of, _) in self.layouts.items() if of is opcode]
                with m.Case(opcode):
                    for queue in waits:
                        others = (other.incoming.ready for other in waits if other is not queue)
                        m.d.comb += queue.incoming.valid.eq(Cat(self.commands.valid, *others).all())
                    # What no unit waits for has room.
                    m.d.comb += ready.eq(Cat(Const(1, 1), *(queue.incoming.ready for queue in waits)).all())
        empty = Cat(queue.empty for queue in queues.values()).all()
        m.d.comb += [self.commands.ready.eq(ready), self.idle.eq(~self.commands.valid & empty)]
        return m
