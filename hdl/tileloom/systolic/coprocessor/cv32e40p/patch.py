"""The array into CV32E40P: our lines added to the installed core's files as a build starts."""

from __future__ import annotations

from collections.abc import Mapping

from ....coprocessor.edits import known, patched
from ...config import SystolicConfig
from .auxiliary import PREFIX, modules
from .edits import COUNTED_ON, files

UNIT = f"{PREFIX}.v"
"""Name of the file that is added: the array's modules."""

WHAT = "the array"


def patch_sources(sources: Mapping[str, str], config: SystolicConfig) -> dict[str, str]:
    """Return CV32E40P's sources, those of its FPU among them, with the array of ``config``.

    To be used as the ``patch`` of a ``System``; COREV_PULP and FPU must be 1. Raises UserError that names
    the file where one is missing or is not of the version that is known.
    """
    return changed_sources(sources, modules(config)[0], config.memory_bits)


def changed_sources(
    sources: Mapping[str, str], verilog: str, memory_bits: int | None = None
) -> dict[str, str]:
    """Return the same from the Verilog of the array's modules, and the bits of its memory port."""
    for name, sha256 in COUNTED_ON.items():
        known(name, sha256, sources, WHAT)
    changed = {file.name: patched(file, sources, WHAT) for file in files(memory_bits)}
    return {UNIT: verilog, **sources, **changed}
