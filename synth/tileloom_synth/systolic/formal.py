"""What solvers prove of a systolic array: the multiplier and the adder of its elements."""

from __future__ import annotations

from tileloom.systolic.config import SystolicConfig

from ..verify.adder import adder_proofs
from ..verify.multiplier import multiplier_proofs
from ..verify.proof import Proof


def proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array's floating-point arithmetic."""
    return [
        *multiplier_proofs(
            config.activation,
            config.weight,
            config.accumulator,
            config.rounding,
            config.multiply_stages,
            carry_save=bool(config.carry_save),
        ),
        *adder_proofs(config.accumulator, config.rounding, config.add_stages),
    ]
