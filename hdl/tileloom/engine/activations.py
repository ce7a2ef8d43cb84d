"""The A buffer: two halves of ``m`` banks, one filled while the other is read, a tile in every cycle.

```
 fill: half, bank, address, unit -----.
                                      v
                     half 0: [bank 0] [bank 1] ... [bank m-1]
                     half 1: [bank 0] [bank 1] ... [bank m-1]
                                      |    m units, one of each bank
 fetch: half, address, rotation ----> rotate ---> tile: m units, the first from bank ``rotation``
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..hierarchy import add_shared
from ..memories import SinglePort
from .config import EngineConfig
from .layouts import address_bits
from .loader import fill_signature, unit_layout


def fetch_signature(config: EngineConfig) -> wiring.Signature:
    """Return the ports of what fetches tiles from the A buffer.

    ``valid``, a tile of ``half`` is read in this cycle, from bank ``rotation`` on, at ``address``; over the
    last bank to bank 0, where the address is ``wrapped``.
    """
    address = address_bits(config)
    return wiring.Signature(
        {
            "valid": Out(1),
            "half": Out(1),
            "rotation": Out(ceil_log2(config.m)),
            "address": Out(address),
            "wrapped": Out(address),
        }
    )


class ActivationBuffer(wiring.Component):
    """Holds two strips.

    A tile is ``m`` words that follow one another from bank to bank. The loader and the sequencer never use a
    half together, so that every memory has one port.

    Ports: ``fill`` (in), as in ``fill_signature``; ``fetch`` (in), as in ``fetch_signature``; ``tile`` (out),
    a unit per lane, from the next cycle on until the next is fetched.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "fill": In(fill_signature(config)),
                "fetch": In(fetch_signature(config)),
                "tile": Out(data.ArrayLayout(unit_layout(config), config.m)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, fill, fetch = self.config, self.fill, self.fetch
        bits = unit_layout(config).size
        half, rotation = Signal(), Signal.like(fetch.rotation, name="rotation_of_tile")
        with m.If(fetch.valid):
            m.d.sync += [half.eq(fetch.half), rotation.eq(fetch.rotation)]
        words: list[Value] = []
        for bank in range(config.m):
            address = Signal.like(fetch.address, name=f"address_{bank}")
            m.d.comb += address.eq(Mux(fetch.rotation > bank, fetch.wrapped, fetch.address))
            halves = []
            for index in range(2):
                ram = add_shared(
                    m,
                    platform,
                    "activation_memory",
                    f"half_{index}_bank_{bank}",
                    lambda: SinglePort(config.a_words, bits),
                )
                reading = fetch.valid & (fetch.half == index)
                m.d.comb += [
                    ram.address.eq(Mux(reading, address, fill.address)),
                    ram.write.eq(fill.valid & (fill.half == index) & (fill.bank == bank)),
                    ram.write_data.eq(Value.cast(fill.unit)),
                    ram.read.eq(reading),
                ]
                halves.append(ram.read_data)
            words.append(Mux(half, halves[1], halves[0]))
        # Lane 0's unit is that of bank ``rotation``: log2(m) levels, each rotating by a power of two or not.
        for level in range(len(rotation)):
            places = 1 << level
            turned = words[places:] + words[:places]
            words = [Mux(rotation[level], moved, word) for moved, word in zip(turned, words, strict=True)]
        m.d.comb += Value.cast(self.tile).eq(Cat(words))
        return m
