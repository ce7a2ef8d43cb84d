"""Configurations: what a user chooses, checked once, before any hardware is built.

A configuration is frozen data that validates itself; generators read it and check nothing again. ``presets``
has the named ones and reads files. No Amaranth here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError
from ..formats import FP32, FloatFormat, Format, Rounding, SignMagnitude, parse_format


class Port(enum.Enum):
    """How data gets in and out of a systolic array.

    ``STREAM`` moves whole vectors, at most one per ``step_interval`` cycles, and takes incoming partial sums.
    ``WORD`` is the 32-bit port of SASP: one activation in and one result out per word and cycle.
    """

    STREAM = "stream"
    WORD = "word"


WORD_BITS = 32
"""Width of the word port, in bits (SASP)."""

MAXIMUM_SIZE = 64
"""Most rows or columns that an array may have."""


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
        Registers of the adder, its partial-sum register included, 1 to 4: cycles from one row to the next.
    axi4_stream_names:
        Name clock, reset and ports as AXI4-Stream does; the reset is then active low.
    """

    rows: int
    columns: int
    activation: FloatFormat = FP32
    weight: Format = FP32
    accumulator: FloatFormat = FP32
    rounding: Rounding = Rounding.TRUNCATE
    port: Port = Port.STREAM
    step_interval: int = 0
    double_buffer: bool = False
    multiply_stages: int = 1
    carry_save: bool = False
    add_stages: int = 1
    axi4_stream_names: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), _TYPES[field.name])
        _check_range("rows", self.rows, 1, MAXIMUM_SIZE)
        _check_range("columns", self.columns, 1, MAXIMUM_SIZE)
        _check_range("multiply_stages", self.multiply_stages, 1, 3)
        if self.carry_save and self.multiply_stages != 2:
            raise ConfigError(f"carry_save: is for multiply_stages of 2, not {self.multiply_stages}")
        _check_range("add_stages", self.add_stages, 1, 4)
        longest = max(self.rows, self.columns)
        if self.step_interval == 0:
            object.__setattr__(self, "step_interval", longest if self.port is Port.WORD else 1)
        _check_range("step_interval", self.step_interval, 1, longest)
        if self.port is Port.WORD:
            self._check_word_port(longest)

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

    @property
    def weights_per_word(self) -> int:
        """Weights in one 32-bit word of the word port."""
        return WORD_BITS // self.weight.width

    @property
    def name(self) -> str:
        """Name of the generated top module: size, formats and port."""
        kinds = [self.activation] if self.activation == self.weight else [self.activation, self.weight]
        formats = "_".join(str(kind) for kind in kinds)
        return f"systolic_{self.rows}x{self.columns}_{formats}_{self.port.value}"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "rows": int,
    "columns": int,
    "activation": FloatFormat,
    "weight": (FloatFormat, SignMagnitude),
    "accumulator": FloatFormat,
    "rounding": Rounding,
    "port": Port,
    "step_interval": int,
    "double_buffer": bool,
    "multiply_stages": int,
    "carry_save": bool,
    "add_stages": int,
    "axi4_stream_names": bool,
}


def _check_type(name: str, value: object, expected: type | tuple[type, ...]) -> None:
    wrong_bool = expected is int and isinstance(value, bool)
    if wrong_bool or not isinstance(value, expected):
        kinds = expected if isinstance(expected, tuple) else (expected,)
        raise ConfigError(f"{name}: must be {' or '.join(kind.__name__ for kind in kinds)}, not {value!r}")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name}: must be from {low} to {high}, not {value}")


def to_plain(config: Any) -> dict[str, int | bool | str]:
    """Return a configuration, of any family, as plain values, the ones that a TOML file holds."""
    values = ((field.name, getattr(config, field.name)) for field in dataclasses.fields(config))
    return {name: _plain(value) for name, value in values}


def _plain(value: object) -> int | bool | str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    return value if isinstance(value, int) else str(value)


def from_plain(values: Mapping[str, object], where: str = "configuration") -> SystolicConfig:
    """Return the configuration that plain values describe, as ``to_plain`` writes them.

    Raises ConfigError that starts with ``where`` and names the field.
    """
    unknown = sorted(values.keys() - _TYPES.keys())
    if unknown:
        raise ConfigError(f"{where}: {unknown[0]}: no such field; fields: {', '.join(_TYPES)}")
    missing = sorted({"rows", "columns"} - values.keys())
    if missing:
        raise ConfigError(f"{where}: {missing[0]}: missing; an array needs rows and columns")
    try:
        parsed: dict[str, Any] = {name: _parse(name, value) for name, value in values.items()}
        return SystolicConfig(**parsed)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _parse(name: str, value: object) -> object:
    """Turn a TOML value or the text of an override into the field's type; leave what has it already."""
    expected = _TYPES[name]
    if not isinstance(value, str):
        return value
    if expected is int:
        try:
            return int(value)
        except ValueError:
            raise ConfigError(f"{name}: must be a whole number, not {value!r}") from None
    if expected is bool:
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise ConfigError(f"{name}: must be true or false, not {value!r}")
    if isinstance(expected, type) and issubclass(expected, enum.Enum):
        choices = [member.value for member in expected]
        if value not in choices:
            raise ConfigError(f"{name}: must be {' or '.join(choices)}, not {value!r}")
        return expected(value)
    try:
        return parse_format(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
