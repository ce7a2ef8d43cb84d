"""Which proofs a configuration calls for, and which the presets do."""

from __future__ import annotations

from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import family_of, preset, presets

from .proof import Proof


def proofs_of(config: Config, name: str) -> list[Proof]:
    """Return the proofs of a configuration's arithmetic and streams.

    Raises UserError that begins with ``name`` where it has none.
    """
    found = _proofs(config)
    if not found:
        raise UserError(
            f"{name}: has neither floating-point arithmetic nor streams, which are what --formal proves"
        )
    return found


def proofs_of_presets() -> list[tuple[Proof, list[str]]]:
    """Return each proof that a preset calls for, once, with the presets that do."""
    found: dict[tuple[str, str, str, int], tuple[Proof, list[str]]] = {}
    for name in presets():
        for proof in _proofs(preset(name)):
            found.setdefault(proof.key, (proof, []))[1].append(name)
    return list(found.values())


def _proofs(config: Config) -> list[Proof]:
    """Return what the configuration's family proves of it."""
    found: list[Proof] = family_of(config).room("tileloom_synth", "formal").proofs(config)
    return found
