"""The engine's configuration: sizes, compute core, buffers. No Amaranth here."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import ClassVar

from ..config import SETTLED, Wrapper, check_power, check_range, check_types, settle
from ..errors import ConfigError
from ..formats import FP32, INT8, FloatFormat, Format, Rounding
from ..systolic.config import SystolicConfig


class Core(enum.Enum):
    """What computes: the INT8 dot-product tile, or a systolic array of ``k`` rows and ``n`` columns."""

    DOT_PRODUCT = "dot-product"
    SYSTOLIC = "systolic"


class EnginePort(enum.Enum):
    """How data gets in and out: streams, or an AXI4 master."""

    STREAM = "stream"
    AXI4 = "axi4"


class RequantiseRounding(enum.Enum):
    """Where requantisation takes the middle of two integers: away from zero, or to the even one."""

    HALF_AWAY = "half-away"
    HALF_EVEN = "half-even"


HEADER_BITS = 64
"""Width of the header word of one output column: bias, scale, shift, zero point."""

INDEX_BITS = 16
"""Width of an index entry: block row, empty, last."""

ROW_BITS = 14
"""Width of a block row."""

LARGEST_GRID = 8
"""Rows or columns of a grid."""

LARGEST_TILE = 1 << 16
"""Units in half of a memory tile."""

COLUMN_BITS = 16
"""Width of the numbers of block columns and of iterations in a command."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """One block-sparse tile engine; ``docs/engine.md`` has the architecture.

    Attributes
    ----------
    m, k, n:
        An A tile is ``m x k``, a block of B ``k x n``, a C tile ``m x n``. ``m`` is a power of two, 1 to 16,
        and 1 with a systolic core; ``k`` and ``n`` are 1 to 32.
    core:
        The compute core.
    bus:
        Bits of a beat of weights: a multiple of 64 up to 2048, and with a systolic core of a row of a block.
    a_words:
        Words of ``k`` activations in each of the ``m`` banks of one half of the A buffer: a power of two.
    acc_tiles:
        C tiles in one half of the accumulators: the most tiles of a strip.
    weight_beats:
        Beats in the FIFO before the core: a power of two.
    drain_rows:
        Rows of C requantised in a cycle: a power of two up to ``m``.
    requantise:
        Dot product: results are INT8 (the default), else INT32.
    requantise_rounding:
        Dot product with ``requantise``: of halves, away from zero (the default), or to even as ONNX has it.
    result_zero_point:
        Dot product with ``requantise``: each column has a zero point, added to results after rounding.
    product_register:
        Dot product: multipliers and adders in different cycles.
    activation_mask:
        Dot product: tiles of A that are all zero are skipped too, in products. Takes up to 64 ``acc_tiles``.
    activation, weight, accumulator, rounding, multiply_stages, carry_save, add_stages:
        Systolic core: as in ``SystolicConfig``; ``weight`` is INT8 by default.
    port:
        AXI4-Stream in and out, or an AXI4 master that works from descriptors in memory.
    address_bits, burst_beats:
        AXI4 master: width of an address, 13 to 64 (32 by default); most beats of a burst, a power of two
        (16 by default).
    wrapper:
        AXI4 master: registers and an interrupt in place of the streams ``start`` and ``status``, or None.
    axi4_stream_names:
        Streams: as in ``SystolicConfig``. An AXI4 master always has AMBA's names.
    grid_rows, grid_columns:
        So many engines, each as the other fields say, in a grid (``docs/grid.md``), 1 to 8 a side; 1 x 1, the
        default, is one engine. As an AXI4 master they have one port together.
    grid_tile_words:
        A grid: units in each half of a column's memory tile, 0 to 65536; 0, the default, is no tile.

    Raises
    ------
    ConfigError
        Names the field that cannot be built, or does not apply, and says what would be right.
    """

    IN_LABEL: ClassVar[frozenset[str]] = frozenset(
        {
            *("m", "k", "n", "core", "requantise", "activation", "weight", "port", "wrapper"),
            *("grid_rows", "grid_columns"),
        }
    )

    m: int = 4
    k: int = 8
    n: int = 8
    core: Core = Core.DOT_PRODUCT
    bus: int = 128
    a_words: int = 1024
    acc_tiles: int = 16
    weight_beats: int = 16
    drain_rows: int = 1
    requantise: bool = SETTLED
    requantise_rounding: RequantiseRounding = SETTLED
    result_zero_point: bool = SETTLED
    product_register: bool = SETTLED
    activation_mask: bool = SETTLED
    activation: FloatFormat = SETTLED
    weight: Format = SETTLED
    accumulator: FloatFormat = SETTLED
    rounding: Rounding = SETTLED
    multiply_stages: int = SETTLED
    carry_save: bool = SETTLED
    add_stages: int = SETTLED
    port: EnginePort = EnginePort.STREAM
    address_bits: int = SETTLED
    burst_beats: int = SETTLED
    wrapper: Wrapper | None = None
    axi4_stream_names: bool = SETTLED
    grid_rows: int = SETTLED
    grid_columns: int = SETTLED
    grid_tile_words: int = SETTLED

    def __post_init__(self) -> None:
        check_types(self)
        systolic, axi4 = self.core is Core.SYSTOLIC, self.port is EnginePort.AXI4
        settle(self, _DOT_PRODUCT, applies=not systolic, where="is for the dot-product core")
        settle(
            self,
            {"requantise_rounding": RequantiseRounding.HALF_AWAY, "result_zero_point": False},
            applies=bool(self.requantise),
            where="is for a dot-product core with requantise",
        )
        settle(self, _SYSTOLIC, applies=systolic, where="is for a systolic core; the dot product is INT8")
        two = self.multiply_stages == 2
        settle(self, {"carry_save": False}, applies=two, where="is for a systolic core of 2 multiply_stages")
        settle(self, _AXI4, applies=axi4, where="is for an AXI4 master")
        if self.wrapper and not axi4:
            raise ConfigError("wrapper: is for an AXI4 master; leave it out, or set port to axi4")
        names = "is for streams; an AXI4 master has AMBA's names"
        settle(self, {"axi4_stream_names": False}, applies=not axi4, where=names)
        self._settle_grid(axi4=axi4)
        settle(self, {"grid_tile_words": 0}, applies=self.is_grid, where="is for a grid of several engines")
        check_power("m", self.m, 16)
        check_range("k", self.k, 1, 32)
        check_range("n", self.n, 1, 32)
        check_power("a_words", self.a_words, 1 << 16)
        check_power("weight_beats", self.weight_beats, 4096)
        check_power("drain_rows", self.drain_rows, self.m)
        check_range("acc_tiles", self.acc_tiles, 1, 4096)
        if not 64 <= self.bus <= 2048 or self.bus % HEADER_BITS:
            raise ConfigError(f"bus: must be a multiple of 64 from 64 to 2048, not {self.bus}")
        if self.activation_mask and self.acc_tiles > 64:
            raise ConfigError(f"acc_tiles: at most 64 with activation_mask, not {self.acc_tiles}")
        if systolic:
            self._check_systolic()
        if axi4:
            self._check_axi4()
        if self.is_grid:
            check_range("grid_tile_words", self.grid_tile_words, 0, LARGEST_TILE)

    def _settle_grid(self, *, axi4: bool) -> None:
        rows, columns = self.grid
        for name, sides in (("grid_rows", rows), ("grid_columns", columns)):
            check_range(name, sides, 1, LARGEST_GRID)
            # One engine with an AXI4 master has no such field.
            one = axi4 and (rows, columns) == (1, 1)
            object.__setattr__(self, name, None if one else sides)

    def _check_axi4(self) -> None:
        check_range("address_bits", self.address_bits, 13, 64)
        check_power("burst_beats", self.burst_beats, 256)
        if self.bus & (self.bus - 1) or self.bus > 512:
            raise ConfigError(f"bus: an AXI4 master has 64, 128, 256 or 512 bits, not {self.bus}")
        if self.burst_beats * self.bus > 4096 * 8:
            raise ConfigError(f"burst_beats: {self.burst_beats} beats of {self.bus} bits exceed 4 KiB")
        if self.drain_rows != 1:
            raise ConfigError(f"drain_rows: must be 1 with an AXI4 master, not {self.drain_rows}")
        for name, bits in (("k", self.k * self.element_bits), ("n", self.n * self.result_bits)):
            if bits < 8 or bits & (bits - 1) or bits > self.bus:
                raise ConfigError(
                    f"{name}: an AXI4 master moves units of 8 to {self.bus} bits, a power of two, not {bits}"
                )

    def _check_systolic(self) -> None:
        if self.m != 1:
            raise ConfigError(f"m: must be 1 with a systolic core, which takes a row at a time, not {self.m}")
        array = self.systolic  # raises where the array cannot be
        if array.accumulator.width > 32:
            raise ConfigError(f"accumulator: {array.accumulator.width} bits do not fit the header's 32")
        row = self.n * self.weight_bits
        if self.bus % row:
            raise ConfigError(
                f"bus: with a systolic core a multiple of a row of a block, {row} bits, not {self.bus}"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of engines."""
        rows, columns = self.grid_rows, self.grid_columns
        return 1 if rows is None else rows, 1 if columns is None else columns

    @property
    def is_grid(self) -> bool:
        """Whether there are several engines."""
        return self.grid != (1, 1)

    @property
    def macs(self) -> int:
        """Multiplications that all cores do in a cycle."""
        return self.m * self.k * self.n * self.grid[0] * self.grid[1]

    @property
    def engine(self) -> EngineConfig:
        """Each engine of a grid."""
        if not self.is_grid:
            return self
        return replace(self, grid_rows=1, grid_columns=1, grid_tile_words=SETTLED)

    def refuse_grid(self, what: str) -> None:
        """Raise ConfigError where this is a grid: ``what`` is for one engine."""
        if self.is_grid:
            raise ConfigError(f"grid_rows: {what} is for one engine; leave grid_rows and grid_columns out")

    @property
    def systolic(self) -> SystolicConfig:
        """The array that a systolic core is."""
        chosen = {name: getattr(self, name) for name in (*_SYSTOLIC, "carry_save")}
        return SystolicConfig(rows=self.k, columns=self.n, double_buffer=True, **chosen)

    @property
    def element_bits(self) -> int:
        """Bits of an activation."""
        return 8 if self.core is Core.DOT_PRODUCT else self.activation.width

    @property
    def weight_bits(self) -> int:
        """Bits of a weight."""
        return 8 if self.core is Core.DOT_PRODUCT else self.weight.width

    @property
    def sum_bits(self) -> int:
        """Bits of a partial sum."""
        return 32 if self.core is Core.DOT_PRODUCT else self.accumulator.width

    @property
    def result_bits(self) -> int:
        """Bits of an element of C."""
        return 8 if self.requantise else self.sum_bits

    @property
    def block_beats(self) -> int:
        """Beats of one block's weights, of one tap."""
        return -(-self.k * self.n * self.weight_bits // self.bus)

    @property
    def header_beats(self) -> int:
        """Beats of a column's header."""
        return -(-self.n * HEADER_BITS // self.bus)

    @property
    def label(self) -> str:
        """What the engine is, as an identifier: size, formats and port."""
        kind = "int8" if self.core is Core.DOT_PRODUCT else f"{self.activation}_{self.weight}"
        results = "_sums" if self.requantise is False else ""
        port = "_axi4" if self.port is EnginePort.AXI4 else ""
        registers = "_registers" if self.wrapper else ""
        grid = f"_grid_{self.grid_rows}x{self.grid_columns}" if self.is_grid else ""
        return f"engine_{self.m}x{self.k}x{self.n}_{kind}{results}{port}{registers}{grid}"


_DOT_PRODUCT: dict[str, object] = {"requantise": True, "product_register": False, "activation_mask": False}
_SYSTOLIC: dict[str, object] = {
    "activation": FP32,
    "weight": INT8,
    "accumulator": FP32,
    "rounding": Rounding.TRUNCATE,
    "multiply_stages": 1,
    "add_stages": 1,
}
_AXI4: dict[str, object] = {"address_bits": 32, "burst_beats": 16}
"""The fields that some configurations have and others do not, with their defaults."""
