"""A board's complete hardware but for pins and clocks: a serial line, and the block behind it."""

from __future__ import annotations

from amaranth.hdl import ClockDomain, Const, Elaboratable, Module, Signal
from amaranth.lib import wiring

from ..config import Config
from ..families import family_of
from ..registers.axi_lite import CHANNELS
from ..serial.bridge import SerialBridge
from .description import Board


class BoardTop(Elaboratable):
    """The top that is simulated, and that a board's pins are connected to.

    Attributes
    ----------
    signals:
        Its ports: ``clk`` and ``rst`` (in; synchronous, active high), ``receive`` (in) and ``transmit``
        (out), the serial line, which rests at 1.
    """

    def __init__(self, config: Config, board: Board) -> None:
        self.config, self.board = config, board
        self.clock, self.reset = Signal(name="clk"), Signal(name="rst")
        self.receive, self.transmit = Signal(name="receive"), Signal(name="transmit")
        self.signals = [self.clock, self.reset, self.receive, self.transmit]

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        domain = ClockDomain("sync")
        domain.clk, domain.rst = self.clock, self.reset
        m.domains += domain
        room = family_of(self.config).room("tileloom", "board")
        m.submodules.bridge = bridge = SerialBridge(self.board.divisor)
        m.submodules.device = device = room.Device(self.config, self.board)
        m.d.comb += [bridge.receive.eq(self.receive), self.transmit.eq(bridge.transmit)]
        for name in CHANNELS:
            upper, lower = getattr(bridge, name), getattr(device, name)
            if name == "w":  # the bridge writes whole words
                m.d.comb += [
                    lower.payload.data.eq(upper.payload),
                    lower.payload.strb.eq(Const(0b1111)),
                    lower.valid.eq(upper.valid),
                    upper.ready.eq(lower.ready),
                ]
            else:
                wiring.connect(m, upper, lower)
        return m
