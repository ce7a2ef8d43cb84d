"""The engine's configuration: sizes, compute core, buffers. No Amaranth here."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from ..errors import ConfigError
from ..formats import FP32, INT8, FloatFormat, Format, Rounding, SignMagnitude
from ..systolic.config import SystolicConfig


class Core(enum.Enum):
    """What computes: the INT8 dot-product tile, or a systolic array of ``k`` rows and ``n`` columns."""

    DOT_PRODUCT = "dot-product"
    SYSTOLIC = "systolic"


class EnginePort(enum.Enum):
    """How data gets in and out: streams, or an AXI4 master."""

    STREAM = "stream"
    AXI4 = "axi4"


HEADER_BITS = 64
"""Width of the header word of one output column: bias, scale, shift."""

INDEX_BITS = 16
"""Width of an index entry: block row, empty, last."""

ROW_BITS = 14
"""Width of a block row."""

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
        Results are INT8, else what the core accumulates. Only with the dot product.
    product_register:
        Dot product: multipliers and adders in different cycles.
    activation_mask:
        Tiles of A that are all zero are skipped too, in products. Only with the dot product, and with up to
        64 C tiles.
    activation, weight, accumulator, rounding, multiply_stages, add_stages:
        Systolic core: as in ``SystolicConfig``.
    port:
        AXI4-Stream in and out, or an AXI4 master that works from descriptors in memory.
    address_bits, burst_beats:
        AXI4 master: width of an address, 13 to 64; most beats of a burst, a power of two.
    axi4_stream_names:
        As in ``SystolicConfig``.
    """

    m: int = 4
    k: int = 8
    n: int = 8
    core: Core = Core.DOT_PRODUCT
    bus: int = 128
    a_words: int = 1024
    acc_tiles: int = 16
    weight_beats: int = 16
    drain_rows: int = 1
    requantise: bool = True
    product_register: bool = False
    activation_mask: bool = False
    activation: FloatFormat = FP32
    weight: Format = INT8
    accumulator: FloatFormat = FP32
    rounding: Rounding = Rounding.TRUNCATE
    multiply_stages: int = 1
    add_stages: int = 1
    port: EnginePort = EnginePort.STREAM
    address_bits: int = 32
    burst_beats: int = 16
    axi4_stream_names: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            kinds = (FloatFormat, SignMagnitude) if field.name == "weight" else (type(field.default),)
            if type(value) not in kinds:
                names = " or ".join(kind.__name__ for kind in kinds)
                raise ConfigError(f"{field.name}: must be {names}, not {value!r}")
        _check_power("m", self.m, 16)
        for name, high in (("k", 32), ("n", 32)):
            if not 1 <= getattr(self, name) <= high:
                raise ConfigError(f"{name}: must be from 1 to {high}, not {getattr(self, name)}")
        _check_power("a_words", self.a_words, 1 << 16)
        _check_power("weight_beats", self.weight_beats, 4096)
        _check_power("drain_rows", self.drain_rows, self.m)
        if not 1 <= self.acc_tiles <= 4096:
            raise ConfigError(f"acc_tiles: must be from 1 to 4096, not {self.acc_tiles}")
        if not 64 <= self.bus <= 2048 or self.bus % HEADER_BITS:
            raise ConfigError(f"bus: must be a multiple of 64 from 64 to 2048, not {self.bus}")
        if self.activation_mask and (self.core is Core.SYSTOLIC or self.acc_tiles > 64):
            raise ConfigError("activation_mask: only with the dot-product core and at most 64 acc_tiles")
        if self.core is Core.SYSTOLIC:
            self._check_systolic()
        if self.port is EnginePort.AXI4:
            self._check_axi4()

    def _check_axi4(self) -> None:
        if not 13 <= self.address_bits <= 64:
            raise ConfigError(f"address_bits: must be from 13 to 64, not {self.address_bits}")
        _check_power("burst_beats", self.burst_beats, 256)
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
        if self.requantise:
            raise ConfigError("requantise: must be false with a systolic core: its results are floats")
        if self.accumulator.width > 32:
            raise ConfigError(f"accumulator: {self.accumulator.width} bits do not fit the header's 32")
        row = self.n * self.weight_bits
        if self.bus % row:
            raise ConfigError(
                f"bus: with a systolic core a multiple of a row of a block, {row} bits, not {self.bus}"
            )
        self.systolic  # noqa: B018 - raises where the array cannot be

    @property
    def systolic(self) -> SystolicConfig:
        """The array that a systolic core is."""
        return SystolicConfig(
            rows=self.k,
            columns=self.n,
            activation=self.activation,
            weight=self.weight,
            accumulator=self.accumulator,
            rounding=self.rounding,
            double_buffer=True,
            multiply_stages=self.multiply_stages,
            add_stages=self.add_stages,
        )

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
    def name(self) -> str:
        """Name of the generated top module: size and formats."""
        kind = "int8" if self.core is Core.DOT_PRODUCT else f"{self.activation}_{self.weight}"
        port = "_axi4" if self.port is EnginePort.AXI4 else ""
        return f"engine_{self.m}x{self.k}x{self.n}_{kind}{port}"


def _check_power(name: str, value: int, high: int) -> None:
    if not 1 <= value <= high or value & (value - 1):
        raise ConfigError(f"{name}: must be a power of two from 1 to {high}, not {value}")
