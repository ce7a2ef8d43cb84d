"""What solvers prove of a systolic array: its elements' arithmetic, its streams, vectors and tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileloom.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Rounding
from tileloom.systolic.config import Host, Port, SystolicConfig

from ..verify.adder import adder_proofs, staged_sums
from ..verify.multiplier import multiplier_proofs, staged_products
from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .coprocessor import coprocessor_proofs
from .tiles import tile_proofs
from .vectors import vector_proofs

SIDE = 4
"""Rows and columns of the array that is proved, at most: more of them are more of the same."""
IN_HOST = 2
"""The same of one that is a functional unit."""

SUMS = (FP32, FP16, BF16, FP8_E4M3, FP8_E5M2)
"""Formats whose sums are proved, also those that no preset adds in."""


def proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array; of a large one all but the arithmetic are those of a small one.

    Of an array with a host the arithmetic, and on CV-X-IF what crosses that.
    """
    if config.host is Host.CV_X_IF:
        return [*arithmetic(config), *coprocessor_proofs(small(config, IN_HOST))]
    if config.host:
        return arithmetic(config)
    array = small(config)
    return [*arithmetic(config), *stream_proofs(array), *vector_proofs(array), *tile_proofs(array)]


def beside(configs: Sequence[SystolicConfig]) -> list[Proof]:
    """Return the arithmetic that no preset has: both roundings, all stages, the other formats of sums.

    Products are of the formats that ``configs`` have.
    """
    found = [
        proof
        for float_format in SUMS
        for rounding in Rounding
        for proof in (*adder_proofs(float_format, rounding, 1), staged_sums(float_format, rounding))
    ]
    formats = dict.fromkeys((config.activation, config.weight, config.accumulator) for config in configs)
    for activation, weight, accumulator in formats:
        for rounding in Rounding:
            own = (activation, weight, accumulator, rounding)
            for stages in (1, 3):
                found += multiplier_proofs(*own, stages, carry_save=False)
            found.append(staged_products(*own))
    return found


def small(config: SystolicConfig, side: int = SIDE) -> SystolicConfig:
    """Return an array with everything but the size as ``config`` has it."""
    rows, columns = min(config.rows, side), min(config.columns, side)
    longest = max(rows, columns)
    interval = longest if config.port is Port.WORD else min(config.step_interval, longest)
    broadcast = config.broadcast and min(config.broadcast, columns)
    sums = config.accumulators and min(config.accumulators, 3 * columns)
    return replace(
        config,
        rows=rows,
        columns=columns,
        step_interval=interval,
        broadcast=broadcast,
        accumulators=sums,
    )


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
