"""The user's GEMM of a measurement of power: which arguments go together."""

from __future__ import annotations

from typing import Any

from tileloom.arguments import check_choice, check_share, check_whole
from tileloom.errors import UserError


def check_data(
    weights: Any, activations: Any, layout: str | None, per: str | None, prune: float | None
) -> None:
    """Raise UserError where arguments are wrong, or say something of weights that are not given."""
    check_share("prune", prune)
    check_choice("per", per, ("tensor", "column"))
    if (weights is None) != (activations is None):
        raise UserError("give both --weights and --activations, or neither")
    if weights is None:
        for name, value in {"layout": layout, "per": per}.items():
            if value is not None:
                raise UserError(f"--{name}: goes with --weights and --activations")


def check_seed(seed: int | None) -> None:
    """Raise UserError where a seed is none."""
    check_whole("seed", seed, 0, 2**63 - 1)


def remark(weights: Any, seed: int, drawn: str) -> str:
    """Return what is said of the data; ``drawn`` is what the seed draws of the user's own."""
    return f"normally distributed data, seed {seed}" if weights is None else f"seed {seed} draws {drawn}"
