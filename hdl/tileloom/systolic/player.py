"""Plays tiles from memories into an array, and its results back into one: what keeps it busy on a board.

```
 tiles -----.        .-- psum_in ---------------+
            v        v                          |
 weights ---+--> array --- results --> results memory
 activations --------^
```

An entry of the list of tiles is a word: bits 15:0 the first activation transfer, 30:16 the first of results,
31 whether sums start from what is there, else from zero. Weights are played one tile behind the other. A tile
begins when all results of the one before are written: a cycle for its entry to come into a register, one to
load the pointers, and one for the first words to come into theirs.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..registers.file import CONTROL
from .array import systolic_array
from .config import Port, SystolicConfig
from .control import ControlledArray
from .design import timing
from .stream_array import StreamArray
from .word_array import WordArray

ENTRY = data.StructLayout({"activations": 16, "results": 15, "accumulate": 1})

COUNT_BITS = 16


def array_of(config: SystolicConfig) -> StreamArray | WordArray | ControlledArray:
    """Return the array, with its registers where it has some."""
    return ControlledArray(config) if config.wrapper else systolic_array(config)


def widths(config: SystolicConfig) -> dict[str, int]:
    """Return the bits of a transfer of each memory: ``weights``, ``activations``, ``tiles``, ``results``."""
    array = array_of(config)
    array._MustUse__used = True  # asked for its ports alone
    return {
        "weights": len(Value.cast(array.weights.payload)),
        "activations": len(Value.cast(array.activations.payload.data)),
        "tiles": ENTRY.size,
        "results": len(Value.cast(array.results.payload.data)),
    }


class Player(wiring.Component):
    """An array, and what plays tiles on it.

    Parameters
    ----------
    config:
        The array.
    depths:
        Transfers of each memory, powers of two, by the names of ``widths``.

    Ports
    -----
    start:
        In, a cycle: play the list. Nothing while ``busy``, or where a count is 0.
    tile_count, activation_count, result_count:
        In, held while ``busy``: entries of the list, transfers of a tile.
    busy:
        Out, from the cycle after ``start`` until all results are written.
    stalled, tile_done:
        Out: the array does not take an activation that is there; a tile's last result is written.
    NAME_address, NAME_data:
        Out and in, of each memory: data is that of the address a cycle before. Of results they are for sums.
    result_write, result_address, result_data:
        Out: a result is written.
    control_aw and so on:
        Of an array with registers, theirs. A job must be as many tiles as the list, of as many vectors, with
        sums that come in; in whichever order it and the player are started, they wait for each other.
    """

    def __init__(self, config: SystolicConfig, depths: dict[str, int]) -> None:
        self.config, self.depths = config, depths
        bits = widths(config)
        self.array = array_of(config)
        self.control = {
            name: member for name, member in self.array.signature.members.items() if name.startswith(CONTROL)
        }
        memories: dict[str, Any] = {}
        for name, width in bits.items():
            memories[f"{name}_address"] = Out(exact_log2(depths[name]))
            memories[f"{name}_data"] = In(width)
        super().__init__(
            {
                "start": In(1),
                **{f"{name}_count": In(COUNT_BITS) for name in ("tile", "activation", "result")},
                "busy": Out(1),
                "stalled": Out(1),
                "tile_done": Out(1),
                **memories,
                **self.control,
                "result_write": Out(1),
                "result_address": Out(exact_log2(depths["results"])),
                "result_data": Out(bits["results"]),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.array = array = self.array
        for name in self.control:
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(array, name))
        sums = self.config.port is Port.STREAM
        fetching, loading, playing = Signal(), Signal(), Signal()

        # A memory's address is what the pointer will be, so that its data is that of the pointer. All data
        # goes through a register: block RAM is slow to give it, and what takes it is far away.
        pointer = {
            name: Signal.like(getattr(self, f"{name}_address"), name=f"{name}_pointer")
            for name in self.depths
        }
        for name, value in pointer.items():
            address = getattr(self, f"{name}_address")
            m.d.sync += value.eq(address)
            m.d.comb += address.eq(value)
        entry = Signal(ENTRY, reset_less=True)
        accumulate = Signal(reset_less=True)
        m.d.sync += entry.eq(self.tiles_data)

        # Of a tile: what is still to be fetched, and to be written.
        weights_left = Signal(range(self._weight_transfers + 1))
        activations_left, results_left, tiles_left = (
            Signal(COUNT_BITS, name=f"{name}_left") for name in ("activations", "results", "tiles")
        )
        # Whether any is, a register says: addresses of memories all over the FPGA wait for it.
        fetches, more = {}, {}
        for name, taker, left in (
            ("weights", array.weights, weights_left),
            ("activations", array.activations, activations_left),
        ):
            there, fetch = Signal(name=f"{name}_there"), Signal(name=f"{name}_fetched")
            fetches[name], more[name] = fetch, Signal(name=f"more_{name}")
            m.d.comb += [taker.valid.eq(there), fetch.eq(more[name] & (~there | taker.ready))]
            m.d.sync += [there.eq(fetch | there & ~taker.ready), left.eq(left - fetch)]
            with m.If(fetch & (left == 1)):
                m.d.sync += more[name].eq(0)
        weight, activation = (
            Signal.like(getattr(self, f"{name}_data"), name=name, reset_less=True)
            for name in ("weights", "activations")
        )
        last = Signal(reset_less=True)
        with m.If(fetches["weights"]):
            m.d.comb += self.weights_address.eq(pointer["weights"] + 1)
            m.d.sync += weight.eq(self.weights_data)
        with m.If(fetches["activations"]):
            m.d.comb += [
                self.activations_address.eq(pointer["activations"] + 1),
                self.results_address.eq(pointer["results"] + 1),
            ]
            m.d.sync += [
                activation.eq(self.activations_data),
                last.eq(activations_left == 1),
            ]
        m.d.comb += [
            Value.cast(array.weights.payload).eq(weight),
            Value.cast(array.activations.payload.data).eq(activation),
            array.activations.payload.last.eq(last),
            array.results.ready.eq(1),
            self.stalled.eq(array.activations.valid & ~array.activations.ready),
            self.result_write.eq(array.results.valid),
            self.result_data.eq(Value.cast(array.results.payload.data)),
        ]
        if sums:
            psum = Signal.like(self.results_data, name="psum", reset_less=True)
            with m.If(fetches["activations"]):
                m.d.sync += psum.eq(Mux(accumulate, self.results_data, 0))
            m.d.comb += [
                Value.cast(array.psum_in.payload).eq(psum),
                array.psum_in.valid.eq(array.activations.valid),
            ]
        with m.If(array.results.valid):
            m.d.sync += [results_left.eq(results_left - 1), self.result_address.eq(self.result_address + 1)]

        ended = ~more["weights"] & ~array.weights.valid & (results_left == 0)
        m.d.comb += [self.busy.eq(fetching | loading | playing), self.tile_done.eq(playing & ended)]
        with m.If(fetching):
            m.d.sync += [fetching.eq(0), loading.eq(1)]
        with m.If(loading):
            m.d.comb += [
                self.activations_address.eq(entry.activations),
                self.results_address.eq(entry.results),
                self.tiles_address.eq(pointer["tiles"] + 1),
            ]
            m.d.sync += [
                loading.eq(0),
                playing.eq(1),
                accumulate.eq(entry.accumulate),
                self.result_address.eq(entry.results),
                *(each.eq(1) for each in more.values()),
                weights_left.eq(self._weight_transfers),
                activations_left.eq(self.activation_count),
                results_left.eq(self.result_count),
                tiles_left.eq(tiles_left - 1),
            ]
        with m.If(self.tile_done):
            m.d.sync += [playing.eq(0), fetching.eq(tiles_left != 0)]
        with m.If(~self.busy):
            m.d.comb += [self.weights_address.eq(0), self.tiles_address.eq(0)]
            m.d.sync += tiles_left.eq(self.tile_count)
            counts = (self.tile_count, self.activation_count, self.result_count)
            with m.If(self.start):
                possible = Signal()
                m.d.comb += possible.eq(1)
                for count in counts:
                    with m.If(count == 0):
                        m.d.comb += possible.eq(0)
                m.d.sync += fetching.eq(possible)
        return m

    @property
    def _weight_transfers(self) -> int:
        return timing(self.config)["weight_transfers_per_tile"]
