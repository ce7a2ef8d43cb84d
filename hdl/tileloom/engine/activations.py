"""The A buffer: two halves of ``m`` banks, one filled while the other is read, a tile in every cycle.

```
 loader: half, bank, address, unit ---.
                                      v
                     half 0: [bank 0] [bank 1] ... [bank m-1]
                     half 1: [bank 0] [bank 1] ... [bank m-1]
                                      |    m units, one of each bank
 reader: half, address, rotation ---> rotate ---> tile: m units, the first from bank ``rotation``
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..hierarchy import add_shared
from .config import EngineConfig
from .layouts import address_bits
from .loader import unit_layout
from .memories import SinglePort


class ActivationBuffer(wiring.Component):
    """Holds two strips.

    A tile is ``m`` words that follow one another from bank ``rotation`` on, over the last bank to bank 0,
    where the address is ``wrapped``. The loader and the reader never use a half together, so that every
    memory has one port.

    Ports: ``write``, ``write_half``, ``bank``, ``write_address``, ``unit`` (in), from the loader; ``read``,
    ``read_half``, ``rotation``, ``address``, ``wrapped`` (in); ``tile`` (out), a unit per lane, from the next
    cycle on until the next ``read``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        address, bank = address_bits(config), ceil_log2(config.m)
        super().__init__(
            {
                "write": In(1),
                "write_half": In(1),
                "bank": In(bank),
                "write_address": In(address),
                "unit": In(unit_layout(config)),
                "read": In(1),
                "read_half": In(1),
                "rotation": In(bank),
                "address": In(address),
                "wrapped": In(address),
                "tile": Out(data.ArrayLayout(unit_layout(config), config.m)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        bits = unit_layout(config).size
        half, rotation = Signal(), Signal.like(self.rotation, name="rotation_of_tile")
        with m.If(self.read):
            m.d.sync += [half.eq(self.read_half), rotation.eq(self.rotation)]
        words: list[Value] = []
        for bank in range(config.m):
            address = Signal.like(self.address, name=f"address_{bank}")
            m.d.comb += address.eq(Mux(self.rotation > bank, self.wrapped, self.address))
            halves = []
            for index in range(2):
                ram = add_shared(
                    m,
                    platform,
                    "activation_memory",
                    f"half_{index}_bank_{bank}",
                    lambda: SinglePort(config.a_words, bits),
                )
                reading = self.read & (self.read_half == index)
                m.d.comb += [
                    ram.address.eq(Mux(reading, address, self.write_address)),
                    ram.write.eq(self.write & (self.write_half == index) & (self.bank == bank)),
                    ram.write_data.eq(Value.cast(self.unit)),
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
