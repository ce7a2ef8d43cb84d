"""Which proofs a configuration calls for, and which the presets do."""

from __future__ import annotations

from typing import Any

from tileloom.config import Config
from tileloom.families import family_of, preset, presets

from .proof import Proof


def proofs_of(config: Config) -> list[Proof]:
    """Return what the configuration's family proves of it."""
    found: list[Proof] = family_of(config).room("tileloom_synth", "formal").proofs(config)
    return found


def proofs_of_presets() -> list[tuple[Proof, list[str]]]:
    """Return each proof that a preset calls for, once, with the presets that do, and those beside them."""
    found: dict[tuple[str, str, str, int], tuple[Proof, list[str]]] = {}
    rooms: dict[Any, list[Config]] = {}
    for name in presets():
        config = preset(name)
        if not family_of(config).has_room("tileloom_synth", "formal"):
            continue
        room = family_of(config).room("tileloom_synth", "formal")
        rooms.setdefault(room, []).append(config)
        for proof in room.proofs(config):
            found.setdefault(proof.key, (proof, []))[1].append(name)
    for room, configs in rooms.items():
        for proof in room.beside(configs) if hasattr(room, "beside") else ():
            found.setdefault(proof.key, (proof, []))
    return list(found.values())
