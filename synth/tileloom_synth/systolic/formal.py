"""What solvers prove of a systolic array: its elements' arithmetic, its streams, vectors and tiles."""

from __future__ import annotations

from dataclasses import replace

from tileloom.systolic.config import Port, SystolicConfig

from ..verify.adder import adder_proofs
from ..verify.multiplier import multiplier_proofs
from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .tiles import tile_proofs
from .vectors import vector_proofs

SIDE = 4
"""Rows and columns of the array that is proved, at most: more of them are more of the same."""


def proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array; of a large one all but the arithmetic are those of a small one.

    Of an array with a host the arithmetic alone.
    """
    if config.host:
        return arithmetic(config)
    array = small(config)
    return [*arithmetic(config), *stream_proofs(array), *vector_proofs(array), *tile_proofs(array)]


def small(config: SystolicConfig) -> SystolicConfig:
    """Return an array with everything but the size as ``config`` has it."""
    rows, columns = min(config.rows, SIDE), min(config.columns, SIDE)
    longest = max(rows, columns)
    interval = longest if config.port is Port.WORD else min(config.step_interval, longest)
    broadcast = config.broadcast and min(config.broadcast, columns)
    return replace(config, rows=rows, columns=columns, step_interval=interval, broadcast=broadcast)


def arithmetic(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array's floating-point arithmetic."""
    return [
        *multiplier_proofs(
            config.activation,
            config.weight,
            config.accumulator,
            config.rounding,
            config.multiply_stages,
            carry_save=bool(config.carry_save),
            told_zeros=config.gate_zeros,
        ),
        *adder_proofs(config.accumulator, config.rounding, config.add_stages),
    ]
