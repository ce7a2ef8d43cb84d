"""Which proofs a configuration calls for, and which the presets do."""

from __future__ import annotations

from tileloom.config import Config
from tileloom.families import families, family_of, preset, rooms

from .proof import Proof


def proofs_of(config: Config) -> list[Proof]:
    """Return what the configuration's family proves of it."""
    found: list[Proof] = family_of(config).room("tileloom_synth", "formal").proofs(config)
    return found


def proofs_of_presets() -> list[tuple[Proof, list[str]]]:
    """Return each proof that a preset calls for, once, with the presets that do, and those beside them."""
    found: dict[tuple[str, str, str, int], tuple[Proof, list[str]]] = {}
    rest: list[Proof] = []
    for family, room in rooms("tileloom_synth", "formal").items():
        configs = {name: preset(name) for name in families()[family].presets}
        for name, config in configs.items():
            for proof in room.proofs(config):
                found.setdefault(proof.key, (proof, []))[1].append(name)
        rest += room.beside(list(configs.values())) if hasattr(room, "beside") else []
    for proof in rest:
        found.setdefault(proof.key, (proof, []))
    return list(found.values())
