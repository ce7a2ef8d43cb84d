"""The xDecimate unit into CV32E40P: our lines added to the installed core's files as a build starts.

They were written for one version of the core, and a file that differs from that version in a single byte is
refused: lines that fit by chance could build a core that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...coprocessor.edits import known, patched
from ..config import XfuConfig
from . import stages as cv32e40p
from .edits import COUNTED_ON, FILES

UNIT = f"{cv32e40p.PREFIX}.v"
"""Name of the file that is added: the unit's modules."""


WHAT = "xDecimate"


def patch_sources(sources: Mapping[str, str], config: XfuConfig | None = None) -> dict[str, str]:
    """Return CV32E40P's sources with the unit that ``config`` describes (by default for every M) in them.

    To be used as the ``patch`` of a ``System``; COREV_PULP must be 1. Raises UserError that names the file
    where one is missing or is not of the version that is known.
    """
    for name, sha256 in COUNTED_ON.items():
        known(name, sha256, sources, WHAT)
    changed = {file.name: patched(file, sources, WHAT) for file in FILES}
    return {UNIT: cv32e40p.stages(config), **sources, **changed}
