"""The xDecimate unit into CV32E40P: our lines added to the installed core's files as a build starts.

They were written for one version of the core, and a file that differs from that version in a single byte is
refused: lines that fit by chance could build a core that is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ...cores import CV32E40P
from ...errors import UserError
from ..config import XfuConfig
from . import stages as cv32e40p
from .edits import COUNTED_ON, FILES, PACKAGE, VERSION, File

UNIT = f"{cv32e40p.PREFIX}.v"
"""Name of the file that is added: the unit's modules."""

FILE_LIST = "cv32e40p.f"
"""Name of the list of files."""


def patch_sources(sources: Mapping[str, str], config: XfuConfig | None = None) -> dict[str, str]:
    """Return CV32E40P's sources with the unit that ``config`` describes (by default for every M) in them.

    To be used as the ``patch`` of a ``System``; COREV_PULP must be 1. Raises UserError that names the file
    where one is missing or is not of the version that is known.
    """
    for name, sha256 in COUNTED_ON.items():
        known(name, sha256, sources)
    changed = {file.name: patched(file, sources) for file in FILES}
    return {UNIT: cv32e40p.stages(config), **sources, **changed}


def core_files(folder: Path, config: XfuConfig | None = None) -> dict[str, str]:
    """Return the files of the core with the unit in it, to be written to ``folder``: text by file name.

    They are the installed core's sources with our lines added, the unit's Verilog, and ``cv32e40p.f``: the
    files in the order in which a tool must read them. The list has absolute paths, one a line and in quotes
    where there is a blank, so that it works from any folder, with ``-f`` as with ``-F``; a folder that has
    been moved needs a new one. The top module is ``cv32e40p_top``, to be built with COREV_PULP = 1.

    Raises UserError as ``patch_sources``, and ToolError where the core is not installed.
    """
    sources = patch_sources(CV32E40P.sources(), config)
    paths = [str(folder.resolve() / name) for name in sources]
    listing = "".join(f'"{path}"\n' if " " in path else f"{path}\n" for path in paths)
    return {**sources, FILE_LIST: listing}


def patched(file: File, sources: Mapping[str, str]) -> str:
    """Return the text of one file with its edits made. Raises as ``patch_sources``."""
    text = known(file.name, file.sha256, sources)
    for edit in file.edits:
        assert text.count(edit.old) == 1, f"{file.name}: {edit.old!r} is there {text.count(edit.old)} times"
        text = text.replace(edit.old, edit.new)
    return text


def known(name: str, sha256: str, sources: Mapping[str, str]) -> str:
    """Return the text of the file ``name``. Raises as ``patch_sources``."""
    text = sources.get(name)
    if text is None:
        raise UserError(f"{name}: missing; xDecimate is added to the files of {PACKAGE} {VERSION}")
    if hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise UserError(
            f"{name}: is not that of {PACKAGE} {VERSION}, the only version that xDecimate can be added to: "
            f"pip install {PACKAGE}=={VERSION}"
        )
    return text
