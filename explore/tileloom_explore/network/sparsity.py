"""What is to be removed from a network, and from which layers, as texts say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom_golden.engine.masks import CRITERIA, Criterion
from tileloom_golden.xfu.sparsity import GROUPS

Kind = Literal["tiles", "nm", "blocks"]
FORMS = "tiles:25%, nm:1:8, blocks:50% or blocks:50%:l2"


@dataclass(frozen=True)
class Sparsity:
    """What is to be removed.

    Attributes
    ----------
    kind:
        "tiles" of the array's size by their L1 norm (SASP, Palacios et al.), all but the largest of "nm"
        groups (Daghero et al.), or "blocks" of the engine's size by `criterion` (8x8 Weight Block Sparsity).
    share:
        Tiles and blocks: of all there are, above 0 and at most 1.
    m:
        N:M: the M of 1:M, 4, 8 or 16.
    criterion:
        Blocks: "l1", "l2" or "variance", of a mean element.
    """

    kind: Kind
    share: float | None = None
    m: int | None = None
    criterion: Criterion = "l1"


def parse_sparsity(text: str) -> Sparsity:
    """Return what ``tiles:25%``, ``nm:1:8``, ``blocks:50%`` or ``blocks:50%:variance`` stands for.

    Raises
    ------
    UserError
        It is none of these; the message names the part that is wrong.
    """
    kind, *rest = text.split(":")
    if kind not in get_args(Kind):
        raise UserError(f"--sparsity: {text!r}: must be such as {FORMS}")
    if kind == "nm":
        if len(rest) != 2 or rest[0] != "1" or rest[1] not in map(str, GROUPS):
            allowed = " or ".join(f"nm:1:{m}" for m in GROUPS)
            raise UserError(f"--sparsity: {text!r}: the hardware has {allowed}")
        return Sparsity("nm", m=int(rest[1]))
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)%", rest[0], re.ASCII) if rest else None
    if percent is None or not 0 < float(percent[1]) <= 100:
        raise UserError(f"--sparsity: {text!r}: say a share above 0% and at most 100%, as in {kind}:25%")
    share = float(percent[1]) / 100
    if len(rest) == 1:
        return Sparsity("tiles" if kind == "tiles" else "blocks", share)
    for criterion in CRITERIA:
        if kind == "blocks" and rest[1:] == [criterion]:
            return Sparsity("blocks", share, criterion=criterion)
    what = "tiles go by their L1 norm" if kind == "tiles" else f"blocks go by {', '.join(CRITERIA)}"
    raise UserError(f"--sparsity: {text!r}: {what}; nothing else may follow the share")


def select(names: Iterable[str], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[str]:
    """Return the layers whose name fits a pattern of ``include`` (none is all) and none of ``exclude``.

    Patterns are those of a shell, ``encoder.*.fc?``, and tell capitals apart.

    Raises
    ------
    UserError
        A pattern that fits no layer, or no layer is left.
    """
    names = list(names)
    for pattern in (*include, *exclude):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(f"{pattern!r} fits no layer{did_you_mean(pattern, names, 'layers')}")
    chosen = [
        name
        for name in names
        if (not include or any(fnmatchcase(name, pattern) for pattern in include))
        and not any(fnmatchcase(name, pattern) for pattern in exclude)
    ]
    if not chosen:
        raise UserError(f"{', '.join(map(repr, (*include, *exclude)))}: no layer is left")
    return chosen
