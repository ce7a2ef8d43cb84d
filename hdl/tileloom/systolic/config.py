"""What a user chooses of a systolic array. No Amaranth here."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from ..config import SETTLED, Wrapper, check_range, check_types, settle
from ..errors import ConfigError
from ..formats import FP32, FloatFormat, Format, Rounding, SignMagnitude


class Port(enum.Enum):
    """How data gets in and out of a systolic array.

    ``STREAM`` moves whole vectors, at most one per ``step_interval`` cycles, and takes incoming partial sums.
    ``WORD`` is the 32-bit port of SASP: one activation in and one result out per word and cycle.
    """

    STREAM = "stream"
    WORD = "word"


class Host(enum.Enum):
    """What an array with a word port is a functional unit of; ``docs/coprocessor.md``.

    ``UNIT``: of a core of your own, by the unit's plain ports. ``CV_X_IF``: a coprocessor on CV-X-IF.
    ``CV32E40P``: that core, behind its port for an auxiliary unit.
    """

    UNIT = "unit"
    CV_X_IF = "cv-x-if"
    CV32E40P = "cv32e40p"


WORD_BITS = 32
"""Width of the word port, in bits (SASP)."""

MEMORY_BITS = (32, 64, 128)
"""Widths that a memory port may have, in bits."""

MAXIMUM_SIZE = 64
"""Most rows or columns that an array may have."""

LEAST_VECTORS = 3
"""Vectors whose sums ``accumulators`` hold at least: what is cut into parts of as many has two in each."""

MOST_ACCUMULATORS = 1 << 16
"""Most words of partial sums."""

PRODUCT_BITS = 62
"""Most bits of a product of two significands: what the golden model's 64-bit integers hold with a guard."""


@dataclass(frozen=True, kw_only=True)
class SystolicConfig:
    """One weight-stationary systolic array.

    Attributes
    ----------
    rows, columns:
        Processing elements down and across, 1 to 64 each. A tile of weights is ``rows x columns``.
    activation, weight, accumulator:
        Number formats of the operands and of products and partial sums.
    rounding:
        How every product and every sum is rounded to the accumulator's format.
    port:
        Whole vectors, or the 32-bit word port.
    step_interval:
        Fewest cycles from one vector to the next: 1 to ``max(rows, columns)``. The word port's is always the
        larger of rows and columns, which is also its default; the stream port's default is 1.
    double_buffer:
        A second weight register in every processing element, so that a tile's weights load while the tile
        before computes.
    multiply_stages:
        Registers from the activation register to the adder, 1 to 3: the product, its significand before
        normalisation, and two rows whose sum that is.
    carry_save:
        With two ``multiply_stages``: keep the two rows and not their sum. A shorter cycle, more flip-flops.
    add_stages:
        Registers of the adder, its partial-sum register included, 1 to 5: cycles from one row to the next.
    broadcast:
        Of a stream port: columns that one activation register serves, 1 to ``columns``. Fewer registers and
        cycles, longer wires.
    gate_zeros:
        Keep a multiplier still while its activation or its weight is zero. Costs some area, saves energy with
        sparse operands, changes no result.
    host:
        Of a word port: make the array a functional unit of a processor, with an instruction for each word,
        and what it sits in; or None.
    id_width:
        Of a coprocessor on CV-X-IF: bits of an instruction's id (X_ID_WIDTH of the core), 2 to 8; 4 by
        default.
    memory_bits:
        Of a host "unit" or "cv32e40p" with ``double_buffer``: 32, 64 or 128 bits of a memory port, through
        which an address generator beside the array fetches and stores by itself; or None.
    accumulators:
        Of a host: words of a memory of partial sums, those of three vectors or more, to which results are
        added inside the functional unit; or None.
    wrapper:
        Of a stream port: registers behind AXI4-Lite that start jobs, and an interrupt; or None.
    axi4_stream_names:
        Name clock, reset and ports as AXI4-Stream does; the reset is then active low. With a ``wrapper`` they
        always are.

    Raises
    ------
    ConfigError
        Names the field that cannot be built, or does not apply, and says what would be right.
    """

    IN_LABEL: ClassVar[frozenset[str]] = frozenset(
        {"rows", "columns", "activation", "weight", "port", "host", "memory_bits", "accumulators", "wrapper"}
    )

    rows: int
    columns: int
    activation: FloatFormat = FP32
    weight: Format = FP32
    accumulator: FloatFormat = FP32
    rounding: Rounding = Rounding.TRUNCATE
    port: Port = Port.STREAM
    step_interval: int = SETTLED
    double_buffer: bool = False
    multiply_stages: int = 1
    carry_save: bool = SETTLED
    add_stages: int = 1
    broadcast: int = SETTLED
    gate_zeros: bool = False
    host: Host | None = None
    id_width: int = SETTLED
    memory_bits: int | None = None
    accumulators: int | None = None
    wrapper: Wrapper | None = None
    axi4_stream_names: bool = SETTLED

    def __post_init__(self) -> None:
        check_types(self)
        check_range("rows", self.rows, 1, MAXIMUM_SIZE)
        check_range("columns", self.columns, 1, MAXIMUM_SIZE)
        check_range("multiply_stages", self.multiply_stages, 1, 3)
        check_range("add_stages", self.add_stages, 1, 5)
        two = self.multiply_stages == 2
        settle(self, {"carry_save": False}, applies=two, where="is for multiply_stages of 2")
        longest = max(self.rows, self.columns)
        word_port = self.port is Port.WORD
        # A word port takes one column's result a cycle.
        settle(self, {"broadcast": 1}, applies=not word_port, where="is for a stream port")
        if not word_port:
            check_range("broadcast", self.broadcast, 1, self.columns)
        settle(self, {"step_interval": longest if word_port else 1}, applies=True, where="")
        check_range("step_interval", self.step_interval, 1, longest)
        if self.wrapper and word_port:
            raise ConfigError("wrapper: is for a stream port; leave it out, or set port to stream")
        settle(
            self,
            {"axi4_stream_names": False},
            applies=not self.wrapper and not self.host,
            where="is for an array without a wrapper, which always has these names, and without a host",
        )
        self._check_host(word_port)
        self._check_memory()
        self._check_accumulators()
        self._check_product()
        if word_port:
            self._check_word_port(longest)

    def _check_host(self, word_port: bool) -> None:
        if self.host and not word_port:
            raise ConfigError("host: is for a word port; leave it out, or set port to word")
        on_cv_x_if = self.host is Host.CV_X_IF
        settle(self, {"id_width": 4}, applies=on_cv_x_if, where="is for a coprocessor on CV-X-IF")
        if on_cv_x_if:
            check_range("id_width", self.id_width, 2, 8)
        if self.host and not self._holds_weights():
            raise ConfigError(
                f"accumulator: {self.accumulator} has no word for some values of {self.weight}; "
                "with a host it must, as weights are saved through results"
            )

    def _check_memory(self) -> None:
        if self.memory_bits is None:
            return
        if self.host not in (Host.UNIT, Host.CV32E40P):
            raise ConfigError("memory_bits: is for host unit or cv32e40p; leave it out")
        if self.memory_bits not in MEMORY_BITS:
            raise ConfigError(f"memory_bits: must be 32, 64 or 128, not {self.memory_bits}")
        if not self.double_buffer:
            raise ConfigError(
                "memory_bits: an address generator loads weights while the array computes; "
                "set double_buffer to true"
            )

    def _check_accumulators(self) -> None:
        if self.accumulators is None:
            return
        if not self.host:
            raise ConfigError("accumulators: is for an array with a host; leave it out, or set host")
        check_range("accumulators", self.accumulators, LEAST_VECTORS * self.columns, MOST_ACCUMULATORS)

    def _holds_weights(self) -> bool:
        """Return whether each weight is a number of the accumulator's format."""
        weight, total = self.weight, self.accumulator
        if isinstance(weight, SignMagnitude):
            return weight.magnitude_bits <= min(total.significand_bits, total.bias)
        return weight.fraction_bits <= total.fraction_bits and weight.exponent_bits <= total.exponent_bits

    def _check_product(self) -> None:
        weight = self.weight
        bits = weight.magnitude_bits if isinstance(weight, SignMagnitude) else weight.significand_bits
        product = self.activation.significand_bits + bits
        if product > PRODUCT_BITS:
            raise ConfigError(
                f"weight: the product of {self.activation} and {weight} has {product} bits, and "
                f"{PRODUCT_BITS} at most can be checked; take fewer fraction bits"
            )

    def _check_word_port(self, longest: int) -> None:
        if self.step_interval != longest:
            raise ConfigError(
                f"step_interval: a word port passes a vector in max(rows, columns) = {longest} cycles, "
                f"not {self.step_interval}"
            )
        for name in ("activation", "weight", "accumulator"):
            width = getattr(self, name).width
            if width > WORD_BITS:
                raise ConfigError(f"{name}: {width} bits do not fit the {WORD_BITS}-bit word port")

    def require_no_host(self, what: str) -> None:
        """Raise ConfigError where the array has a host; there is no ``what`` of such an array."""
        if self.host:
            raise ConfigError(f"host: there is no {what} of an array with a host; leave it out")

    def segment(self, column: int) -> int:
        """Return the number of the activation register that serves a column: its cycles after column 0."""
        return column // self.columns_per_register

    @property
    def columns_per_register(self) -> int:
        """Columns that one activation register serves; 1 with a word port."""
        return self.broadcast or 1

    @property
    def weights_per_word(self) -> int:
        """Weights in one 32-bit word of the word port."""
        return WORD_BITS // self.weight.width

    @property
    def label(self) -> str:
        """What the array is, as an identifier: size, formats and port."""
        kinds = [self.activation] if self.activation == self.weight else [self.activation, self.weight]
        formats = "_".join(str(kind) for kind in kinds)
        registers = "_registers" if self.wrapper else ""
        host = f"_{self.host.value.replace('-', '_')}" if self.host else ""
        fetching = f"_memory{self.memory_bits}" if self.memory_bits else ""
        sums = f"_accumulators{self.accumulators}" if self.accumulators else ""
        name = f"systolic_{self.rows}x{self.columns}_{formats}_{self.port.value}"
        return f"{name}{host}{fetching}{sums}{registers}"
