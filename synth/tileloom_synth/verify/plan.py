"""Which proofs a configuration calls for, and which the presets do."""

from __future__ import annotations

from tileloom.config import Config
from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import UserError
from tileloom.families import preset, presets
from tileloom.systolic.config import SystolicConfig

from .adder import adder_proofs
from .multiplier import multiplier_proofs
from .proof import Proof


def proofs_of(config: Config, name: str) -> list[Proof]:
    """Return the proofs of a configuration's floating-point arithmetic.

    Raises UserError that begins with ``name`` where it has none.
    """
    array = _array(config)
    if array is None:
        raise UserError(f"{name}: has no floating-point arithmetic, which is what --formal proves")
    return [
        *multiplier_proofs(
            array.activation,
            array.weight,
            array.accumulator,
            array.rounding,
            array.multiply_stages,
            carry_save=bool(array.carry_save),
        ),
        *adder_proofs(array.accumulator, array.rounding, array.add_stages),
    ]


def proofs_of_presets() -> list[tuple[Proof, list[str]]]:
    """Return each proof that a preset calls for, once, with the presets that do."""
    found: dict[tuple[str, str, str, int], tuple[Proof, list[str]]] = {}
    for name in presets():
        config = preset(name)
        if _array(config) is not None:
            for proof in proofs_of(config, name):
                found.setdefault(proof.key, (proof, []))[1].append(name)
    return list(found.values())


def _array(config: Config) -> SystolicConfig | None:
    """Return the systolic array that a configuration is, or is built of."""
    if isinstance(config, SystolicConfig):
        return config
    return config.systolic if isinstance(config, EngineConfig) and config.core is Core.SYSTOLIC else None
