"""Both sides sparse: which tiles of A are zero, noted as they are loaded, and met with the blocks of B.

```
 loader --unit, place--> row of bits --> memory, two halves
                                            | row of a token's channel block
 walker's tokens ---------------------------+--> tokens with the tiles to visit --> sequencer
```

A row of the memory belongs to a channel block of a strip and has a bit for each tile. The sequencer visits
the tiles whose bit is 1, so that a tile of zeros takes no cycle; the read is made ahead of it.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..hierarchy import add_shared
from ..memories import TwoPort
from .config import EngineConfig
from .layouts import TOKEN, count_bits, token_layout
from .loader import fill_signature


class ActivationMask(wiring.Component):
    """Notes the tiles of A that are not zero, and adds them to the tokens of B.

    Ports
    -----
    fill, x, block, block_done:
        In, from the loader: as there.
    tokens, masked_tokens:
        Streams in and out: the walker's tokens; the same, a cycle later, with ``mask``.
    open, read_half, done:
        In, from the sequencer: a CONV's half of the A buffer is full, and which it is; the CONV ends in this
        cycle. No token of the next passes before.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "fill": In(fill_signature(config)),
                "x": In(count_bits(config)),
                "block": In(count_bits(config)),
                "block_done": In(1),
                "tokens": In(stream.Signature(TOKEN)),
                "masked_tokens": Out(stream.Signature(token_layout(config))),
                "open": In(1),
                "read_half": In(1),
                "done": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        row_bits = ceil_log2(config.a_words)
        rows = add_shared(
            m, platform, "mask_memory", "rows", lambda: TwoPort(2 * config.a_words, config.acc_tiles)
        )

        # Loading: the bits of a channel block, together with that of the unit that comes now.
        noted, now = Signal(config.acc_tiles), Signal(config.acc_tiles)
        tile = self.x >> ceil_log2(config.m)
        present = Value.cast(self.fill.unit).any()
        bits = Cat(present & (tile == index) for index in range(config.acc_tiles))
        m.d.comb += [
            now.eq(noted | bits),
            rows.write.eq(self.fill.valid & self.block_done),
            rows.write_address.eq(Cat(self.block[:row_bits], self.fill.half)),
            rows.write_data.eq(now),
        ]
        with m.If(self.fill.valid):
            m.d.sync += noted.eq(Mux(self.block_done, 0, now))

        # A token waits here while its row is read. After a CONV's last, the next one's half may not be full.
        held, closed = Signal(), Signal()
        token = Signal(TOKEN)
        take = Signal()
        m.d.comb += [
            self.tokens.ready.eq(self.open & ~closed & (~held | self.masked_tokens.ready)),
            take.eq(self.tokens.valid & self.tokens.ready),
            rows.read.eq(take),
            rows.read_address.eq(Cat(self.tokens.payload.row[:row_bits], self.read_half)),
            self.masked_tokens.valid.eq(held),
            self.masked_tokens.payload.mask.eq(Mux(rows.read_data == 0, 1, rows.read_data)),
        ]
        m.d.comb += [getattr(self.masked_tokens.payload, name).eq(getattr(token, name)) for name, _ in TOKEN]
        with m.If(take):
            m.d.sync += [token.eq(self.tokens.payload), held.eq(1), closed.eq(self.tokens.payload.end)]
        with m.Elif(self.masked_tokens.ready):
            m.d.sync += held.eq(0)
        with m.If(self.done):
            m.d.sync += closed.eq(0)
        return m
