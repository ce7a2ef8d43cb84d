"""Which proofs a configuration calls for, and which the presets do."""

from __future__ import annotations

from tileloom.config import Config
from tileloom.families import family_of, preset, presets

from .proof import Proof


def proofs_of(config: Config) -> list[Proof]:
    """Return what the configuration's family proves of it."""
    found: list[Proof] = family_of(config).room("tileloom_synth", "formal").proofs(config)
    return found


def proofs_of_presets() -> list[tuple[Proof, list[str]]]:
    """Return each proof that a preset calls for, once, with the presets that do."""
    found: dict[tuple[str, str, str, int], tuple[Proof, list[str]]] = {}
    for name in presets():
        for proof in proofs_of(preset(name)):
            found.setdefault(proof.key, (proof, []))[1].append(name)
    return list(found.values())
