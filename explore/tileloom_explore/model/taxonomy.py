"""A design in the terms of Sparseloop's taxonomy (MICRO 2022, Table 3): formats, gating, skipping."""

from __future__ import annotations

from .architecture import Feature
from .specification import Specification


def taxonomy(specification: Specification) -> dict[str, str]:
    """Return a design's row: which tensors have which format where, which accesses are gated and skipped.

    ``T by L`` is an access to T that zeros of L remove (leader and follower), ``T with L`` one where both
    remove each other's (double-sided).
    """
    architecture = specification.architecture
    formats = {
        f"{tensor} {'-'.join(rank.kind.value for rank in form.ranks)}"
        for (_, tensor), form in architecture.formats.items()
    }
    unit = architecture.compute
    actions = {action: _named(architecture.features, action) for action in ("gate", "skip", "pack")}
    for action in ("gate", "skip"):
        if unit.zeros == action:
            actions[action].append("compute")
    skipping = [*actions["skip"], *(f"{target} packed" for target in actions["pack"])]
    return {
        "design": architecture.name,
        "source": specification.notes.get("source", ""),
        "formats": ", ".join(sorted(formats)) or "-",
        "gating": ", ".join(actions["gate"]) or "-",
        "skipping": ", ".join(skipping) or "-",
    }


def _named(features: tuple[Feature, ...], action: str) -> list[str]:
    found: list[str] = []
    chosen = [feature for feature in features if feature.action == action]
    for feature in chosen:
        both = [other for other in chosen if other.target in feature.by and feature.target in other.by]
        if not feature.by:
            found.append(feature.target)
        elif both:
            pair = sorted((feature.target, both[0].target))
            text = f"{pair[0]} with {pair[1]}"
            if text not in found:
                found.append(text)
        else:
            text = f"{feature.target} by {' and '.join(feature.by)}"
            if text not in found:
                found.append(text)
    return found
