"""Lines of ours in a core's files: where they go, and the version of the core that they are for.

No line of the core is kept but those between which ours go. A file that differs from that version in a
single byte is refused: lines that fit by chance could build a core that is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UserError

PACKAGE = "pythondata-cpu-cv32e40p"
VERSION = "1.0.1.post1909"
"""The package and the version of it that edits are for."""


@dataclass(frozen=True)
class Edit:
    """Lines for one place: ``new`` takes the place of ``old``, which is in the file exactly once."""

    old: str
    new: str


@dataclass(frozen=True)
class File:
    """What is done to one file: its name, the SHA-256 of what the edits are for, and the edits."""

    name: str
    sha256: str
    edits: tuple[Edit, ...]


def after(line: str, text: str) -> Edit:
    """Return the edit that adds ``text``, whole lines, behind a line, which is given without its end."""
    return Edit(f"{line}\n", f"{line}\n{text}")


def patched(file: File, sources: Mapping[str, str], what: str) -> str:
    """Return the text of one file with its edits made. Raises as ``known``."""
    text = known(file.name, file.sha256, sources, what)
    for edit in file.edits:
        assert text.count(edit.old) == 1, f"{file.name}: {edit.old!r} is there {text.count(edit.old)} times"
        text = text.replace(edit.old, edit.new)
    return text


def known(name: str, sha256: str, sources: Mapping[str, str], what: str) -> str:
    """Return the text of the file ``name``, to which ``what`` is added.

    Raises UserError that names the file where one is missing or is not of the version that is known.
    """
    text = sources.get(name)
    if text is None:
        raise UserError(f"{name}: missing; {what} is added to the files of {PACKAGE} {VERSION}")
    if hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise UserError(
            f"{name}: is not that of {PACKAGE} {VERSION}, the only version that {what} can be added to: "
            f"pip install {PACKAGE}=={VERSION}"
        )
    return text
