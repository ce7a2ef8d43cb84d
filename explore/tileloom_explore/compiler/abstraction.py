"""What programs are compiled for: a grid of cores, memory tiles of its columns, DDR, and channels between.

It follows Section "Hardware Abstraction" and "Time Estimation" of "Weight Block Sparsity: Training,
Compilation, and AI Engine Accelerators" (arXiv 2407.09453). Every column of cores has memory tiles of its
own::

    DDR --LOAD, LOADW--> memory tile --LOADFM (broadcast down a column), LOADWM (along a row)--> cores
    DDR <----WRITE------ memory tile <-----------------------WRITEFM--------------------------- cores

A tensor of activations is divided by width among the columns, output channels among the rows of cores.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import ClassVar

from tileloom.config import check_range, check_toml, check_types, did_you_mean, from_plain
from tileloom.errors import ConfigError
from tileloom.families import read_toml

GIB = 1 << 30

LARGEST_SIDE = 64
"""Most rows or columns of cores."""


@dataclass(frozen=True, kw_only=True)
class Abstraction:
    """A grid of cores with memory levels; channels move whole bytes, rates are bytes a second.

    Attributes
    ----------
    rows, columns:
        Of cores, 1 to 64 each.
    clock:
        In MHz.
    operations:
        Multiplications with accumulation that a core does in a cycle.
    elements:
        Inputs of pooling and element-wise layers that a core takes in a cycle.
    block:
        Input and output channels of a block of weights; channels are filled up to whole blocks.
    input_bytes, output_bytes:
        Of one of a core's two input buffers, and of its two output buffers.
    weight_bytes:
        Of a core's buffer of weights, which is loaded while nothing is computed; 0 is that weights stream
        through the core as it computes, once for each strip of pixels, block column by block column. Such a
        core computes tiles of operations / block^2 pixels of a row, and ``output_bytes`` are the INT32 sums
        of one block column.
    tiles:
        Memory tiles of a column.
    tile_bytes:
        Of a memory tile.
    weight_tiles:
        How many of all memory tiles have weights alone; 0 is that all have weights and activations.
    ddr_channel:
        Rate of each of the two channels between DDR and a memory tile. A shared tile loads activations by one
        and weights by the other, a dedicated tile by both; both write.
    activation_channel, weight_channel, result_channel:
        Rate of a column's LOADFM, of a row's LOADWM, and of a column's WRITEFM.

    Raises
    ------
    ConfigError
        A number is out of range, or the memory tiles of a kind cannot be dealt evenly to the columns.
    """

    IN_LABEL: ClassVar[frozenset[str]] = frozenset({"rows", "columns"})

    rows: int
    columns: int
    clock: int = 1000
    operations: int = 256
    elements: int = 256
    block: int = 8
    input_bytes: int = 8 << 10
    output_bytes: int = 8 << 10
    weight_bytes: int = 16 << 10
    tiles: int = 1
    tile_bytes: int = 512 << 10
    weight_tiles: int = 0
    ddr_channel: int = 4 * GIB
    activation_channel: int = 4 * GIB
    weight_channel: int = 4 * GIB
    result_channel: int = 4 * GIB

    def __post_init__(self) -> None:
        check_types(self)
        for side in ("rows", "columns"):
            check_range(side, getattr(self, side), 1, LARGEST_SIDE)
        limits = {"clock": 10_000, "operations": 1 << 16, "elements": 1 << 16, "block": 32, "tiles": 64}
        for field in dataclasses.fields(self):
            if field.name.endswith(("_bytes", "_channel")) or field.name in limits:
                least = int(field.name != "weight_bytes")
                check_range(field.name, getattr(self, field.name), least, limits.get(field.name, 1 << 40))
        everything = self.columns * self.tiles
        check_range("weight_tiles", self.weight_tiles, 0, everything - 1)
        for kind in (self.weight_tiles, everything - self.weight_tiles):
            if kind and kind % self.columns and self.columns % kind:
                raise ConfigError(
                    f"weight_tiles: {self.weight_tiles} of {everything} memory tiles: {kind} of a kind "
                    f"cannot be dealt evenly to {self.columns} columns"
                )

    @property
    def label(self) -> str:
        """Rows and columns, as "4x4"."""
        return f"{self.rows}x{self.columns}"

    @property
    def streams(self) -> bool:
        """Whether weights stream through the cores."""
        return not self.weight_bytes

    @property
    def tile_pixels(self) -> int:
        """Pixels of a row that a core computes together; 1 where it keeps its weights."""
        return max(1, self.operations // self.block**2) if self.streams else 1

    @property
    def shared(self) -> bool:
        """Whether activations and weights share memory tiles."""
        return not self.weight_tiles

    @property
    def activation_room(self) -> int:
        """Bytes of a column's share of the memory tiles with activations."""
        return (self.columns * self.tiles - self.weight_tiles) * self.tile_bytes // self.columns

    @property
    def weight_room(self) -> int:
        """The same of weights; where tiles are shared it is the same room."""
        return (self.weight_tiles or self.columns * self.tiles) * self.tile_bytes // self.columns

    @property
    def load_rate(self) -> int:
        """Of a column's LOAD."""
        channels = 1 if self.shared else 2
        return channels * (self.columns * self.tiles - self.weight_tiles) * self.ddr_channel // self.columns

    @property
    def weight_rate(self) -> int:
        """Of a column's LOADW."""
        channels, count = (1, self.columns * self.tiles) if self.shared else (2, self.weight_tiles)
        return channels * count * self.ddr_channel // self.columns

    @property
    def write_rate(self) -> int:
        """Of a column's WRITE, which has both channels."""
        return 2 * (self.columns * self.tiles - self.weight_tiles) * self.ddr_channel // self.columns

    @property
    def rows_per_tile(self) -> int:
        """Rows of cores whose weights are in the memory of one column: row r's are in column r % columns."""
        return -(-self.rows // self.columns)

    def seconds(self, cycles: int) -> float:
        """Return how long cycles of the cores take."""
        return cycles / (self.clock * 1e6)


OVERLAYS = ("2x2", "3x3", "4x4", "5x5", "6x6", "7x7", "8x8", "4x1", "4x2", "8x2")
"""Grids that the paper names: Table II has the squares."""

PRESETS = {
    **{f"aie2-{grid}": f"the paper's overlay of {grid.replace('x', ' x ')} AIE2 cores" for grid in OVERLAYS},
    "aie2-4x4-dedicated": "the same, two of four memory tiles for weights alone",
    "engine-2x2": "2 x 2 engines (engine-int8), one AXI4 port of 128 bits to DDR",
}
"""What each ready-made abstraction is, in a line; aie2-RxC and engine-RxC stand for any grid."""

_GRID = re.compile(r"(aie2|engine)-([1-9]\d?)x([1-9]\d?)")

ENGINE_BYTES = {"input_bytes": 32 << 10, "output_bytes": 2 << 10, "weight_bytes": 0}
"""Of engine-int8: half of its A buffer, and half of its accumulators; weights stream."""

ENGINE_PORTS = {"activation_channel": 8, "weight_channel": 16, "result_channel": 8}
"""Bytes a cycle of engine-int8's streams: a unit of 8 channels, a beat of weights, a row of results."""

AXI4_BYTES = 16
"""Bytes a cycle of the grid's AXI4 port: read by activations and weights together, and as many written."""


def load_abstraction(source: str) -> Abstraction:
    """Return the abstraction of a preset's name or of a TOML file of the fields of `Abstraction`.

    The paper's 8 x 2 has two memory tiles for each column. Raises ConfigError that names the file and the
    field, or says what would be right.
    """
    if source == "aie2-4x4-dedicated":
        return Abstraction(rows=4, columns=4, weight_tiles=2)
    if found := _GRID.fullmatch(source):
        fields = {"rows": int(found[2]), "columns": int(found[3]), "tiles": 2 if source == "aie2-8x2" else 1}
        if found[1] == "engine":
            clock = 10**9
            fields |= {**ENGINE_BYTES, **{name: port * clock for name, port in ENGINE_PORTS.items()}}
            fields["ddr_channel"] = AXI4_BYTES * clock // 2 // int(found[3])
        return from_plain(Abstraction, fields, source)
    if source.endswith(".toml"):
        values = read_toml(source)
        try:
            check_toml(Abstraction, values)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None
        return from_plain(Abstraction, values, source)
    near = did_you_mean(source, PRESETS, "grids")
    raise ConfigError(f"{source}: neither a grid such as aie2-4x4 nor a .toml file{near}")
