"""A family's driver in C, as it is written beside a design's register map."""

from __future__ import annotations

import re
from pathlib import Path

SHARED = [Path(__file__).with_name(f"tileloom_{part}.h") for part in ("io", "block", "uio")]
"""What all drivers include; the same for every design."""


def driver(folder: Path, name: str) -> dict[str, str]:
    """Return the C files of ``folder`` for a design, by name.

    In their names and in what they include, ``NAME`` is the design's.
    """

    def named(text: str) -> str:
        return re.sub(r"\bNAME(?=[_.])", name, text)

    files = {named(path.name): named(path.read_text("utf-8")) for path in sorted(folder.glob("NAME_*.[ch]"))}
    return {**files, **{path.name: path.read_text("utf-8") for path in SHARED}}
